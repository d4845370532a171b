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

variable "access_logs" {
  description = "Whether S3 logs each request for an object into the logs bucket."
  type        = bool
  default     = false
}

variable "deliveries" {
  description = "Who else writes to the logs bucket: cdn (CloudFront's access logs), config (AWS Config's record of the account)."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.deliveries, ["cdn", "config"])) == 0
    error_message = "deliveries may hold cdn and config."
  }
}

variable "owns_account" {
  description = "Whether this environment sets what an account has once: no bucket of it can be public. Exactly one environment of an account does."
  type        = bool
  default     = false
}

variable "object_lock_days" {
  description = "Days for which nobody can delete what is in the backups bucket, or null to have no such bucket."
  type        = number
  default     = null

  validation {
    condition     = var.object_lock_days == null ? true : var.object_lock_days >= 1 && var.object_lock_days <= 365
    error_message = "object_lock_days must be between 1 and 365: what is locked is also paid for."
  }
}

variable "replica" {
  description = "Buckets of the second region by role, ready to receive, and the key that encrypts there; null replicates nothing."
  type = object({
    buckets = object({
      forms   = object({ name = string, arn = string })
      uploads = object({ name = string, arn = string })
      state   = object({ name = string, arn = string })
    })
    kms_key_arn = string
    region      = string
  })
  default = null

  validation {
    condition     = try(var.replica.region != var.region, true)
    error_message = "replica.region must be another region: a copy beside the original falls with it."
  }
}

variable "state_bucket" {
  description = "Bucket that the deployer makes for Terraform's state, the ledger, lease and journal."
  type        = string
}

variable "file_system" {
  description = "Subnets (one a zone) and security group of a shared EFS file system, or null for none."
  type        = object({ subnet_ids = list(string), security_group_id = string })
  default     = null
}

variable "permissions_boundary_arn" {
  description = "The most that the roles made here can ever have; null where there is none (the local cloud)."
  type        = string
  default     = null
}
