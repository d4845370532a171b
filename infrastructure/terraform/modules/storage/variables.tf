variable "prefix" {
  description = "What every name starts with, e.g. indivillage-dev."
  type        = string
}

variable "account_id" {
  description = "AWS account: makes bucket names unique in the world."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be twelve digits."
  }
}

variable "region" {
  description = "AWS region, named in the log delivery policy."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts forms and uploads. Logs use S3's own key: load balancers cannot write to any other."
  type        = string
}

variable "retention_days" {
  description = "Days for which a replaced or deleted object can be brought back."
  type        = number

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 3650
    error_message = "retention_days must be between 1 and 3650."
  }
}

variable "log_retention_days" {
  description = "Days for which access and flow logs are kept."
  type        = number
  default     = 90
}

variable "force_destroy" {
  description = "Whether destroying the environment may delete buckets that hold objects. Only ever true on the local cloud."
  type        = bool
}
