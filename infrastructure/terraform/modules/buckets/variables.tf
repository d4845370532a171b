variable "buckets" {
  description = "The buckets by role. own_key encrypts with kms_key_arn instead of S3's own key; expire_days ends objects by age; object_lock makes it possible to lock them, which only a new bucket can be told."
  type = map(object({
    name        = string
    own_key     = optional(bool, true)
    expire_days = optional(number)
    object_lock = optional(bool, false)
  }))

  validation {
    condition     = alltrue([for bucket in values(var.buckets) : length(bucket.name) >= 3 && length(bucket.name) <= 63])
    error_message = "buckets.*.name must have between 3 and 63 characters."
  }
}

variable "kms_key_arn" {
  description = "Key of the buckets' region that encrypts those with own_key; null where none has it."
  type        = string
  default     = null
}

variable "retention_days" {
  description = "Days for which a replaced or deleted object can be brought back."
  type        = number

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 3650
    error_message = "retention_days must be between 1 and 3650."
  }
}

variable "force_destroy" {
  description = "Whether destroying may delete buckets that hold objects."
  type        = bool
  default     = false
}

variable "access_logs" {
  description = "Role -> bucket of the same region into which S3 logs each request for an object, under s3/<role>/."
  type        = map(string)
  default     = {}
}

variable "statements" {
  description = "Role -> what its policy says beside that requests need TLS: a JSON list of statements."
  type        = map(string)
  default     = {}
}
