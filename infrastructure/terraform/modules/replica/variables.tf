variable "prefix" {
  description = "What every name starts with, e.g. indivillage-prod."
  type        = string
}

variable "account_id" {
  description = "AWS account: makes bucket names unique in the world, and its identities may use the key."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be twelve digits."
  }
}

variable "retention_days" {
  description = "Days for which a replaced or deleted copy can be brought back, and below which no backup can be deleted."
  type        = number

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 3650
    error_message = "retention_days must be between 1 and 3650."
  }
}

variable "image_lifecycle_policy" {
  description = "Which copies of images are kept for how long, as ECR writes it: what holds at home."
  type        = string

  validation {
    condition     = can(jsondecode(var.image_lifecycle_policy).rules)
    error_message = "image_lifecycle_policy must be a JSON object with rules."
  }
}

variable "database" {
  description = "ARN of the database whose automated backups are copied, and for how many days copies are kept; null copies none."
  type        = object({ source_arn = string, backup_retention_days = number })
  default     = null

  validation {
    condition     = var.database == null ? true : var.database.backup_retention_days >= 1 && var.database.backup_retention_days <= 35
    error_message = "database.backup_retention_days must be between 1 and 35, what RDS offers."
  }
}
