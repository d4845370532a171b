variable "prefix" {
  description = "What every name starts with, e.g. indivillage-dev."
  type        = string
}

variable "account_id" {
  description = "AWS account; only its services may assume the roles and publish to the topic made here."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets without a route to the internet, in at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must hold at least two subnets: RDS asks for two zones."
  }
}

variable "security_groups" {
  description = "Security group ids of the database and the cache."
  type        = object({ database = string, cache = string })
}

variable "kms_key_arn" {
  description = "Key that encrypts the database and its credentials."
  type        = string
}

variable "username" {
  description = "User that owns the database."
  type        = string
  default     = "indivillage"
}

variable "database" {
  description = "PostgreSQL: engine_version is the major version; sizes are RDS's own names; restore_from is the ARN of automated backups, whose newest moment the database is made from and whose key it then keeps."
  type = object({
    engine_version        = string
    instance_class        = string
    allocated_storage_gb  = number
    multi_az              = bool
    backup_retention_days = number
    restore_from          = optional(string)
  })

  validation {
    condition     = can(regex("^[0-9]+$", var.database.engine_version))
    error_message = "database.engine_version must be a major version such as \"15\": minor versions come by themselves."
  }

  validation {
    condition     = var.database.backup_retention_days >= 1 && var.database.backup_retention_days <= 35
    error_message = "database.backup_retention_days must be between 1 and 35, what RDS offers; 0 would switch backups off."
  }

  validation {
    condition     = var.database.allocated_storage_gb >= 20
    error_message = "database.allocated_storage_gb must be at least 20, the least that gp3 storage offers."
  }
}

variable "port" {
  description = "Port of PostgreSQL. Not the usual one on AWS, which is what scanners try (RDS.23)."
  type        = number
  default     = 5432

  validation {
    condition     = var.port >= 1150 && var.port <= 65535
    error_message = "port must be between 1150 and 65535, what RDS offers."
  }
}

variable "rotation_days" {
  description = "Days after which RDS replaces the password, or null to keep it until its generation is raised."
  type        = number
  default     = null

  validation {
    condition     = var.rotation_days == null ? true : var.rotation_days >= 1 && var.rotation_days <= 90
    error_message = "rotation_days must be between 1 and 90."
  }
}

variable "iam_authentication" {
  description = "Whether people may sign in with a token of their role (MiniStack has none of it)."
  type        = bool
  default     = false
}

variable "enhanced_monitoring" {
  description = "Whether RDS reports the operating system's metrics once a minute, and what statements wait for (MiniStack has neither)."
  type        = bool
  default     = false
}

variable "backup" {
  description = "Days for which AWS Backup keeps a full backup of each day, and the vaults elsewhere that get a copy. Null leaves all to RDS (MiniStack has no AWS Backup)."
  type        = object({ retention_days = number, copy_to = optional(list(string), []) })
  default     = null

  validation {
    condition     = var.backup == null ? true : var.backup.retention_days >= 30
    error_message = "backup.retention_days must be at least 30."
  }
}

variable "event_emails" {
  description = "Who hears of the database's events; null makes neither topic nor subscriptions."
  type        = set(string)
  default     = null
}

variable "cache" {
  description = "Redis: nodes counts the primary and its replicas; more than one fails over by itself."
  type = object({
    engine_version = string
    node_type      = string
    nodes          = number
  })

  validation {
    condition     = var.cache.nodes >= 1 && var.cache.nodes <= 6
    error_message = "cache.nodes must be between 1 and 6: one primary and up to five replicas."
  }
}

variable "cache_users" {
  description = "Whether Redis asks who is there: tasks sign in with their role. Needs tls; off only on the local cloud."
  type        = bool
  default     = false

  validation {
    condition     = !var.cache_users || var.tls
    error_message = "cache_users needs tls: ElastiCache takes no users without it."
  }
}

variable "tls" {
  description = "Whether PostgreSQL refuses and Redis lacks connections without TLS. Off only on the local cloud."
  type        = bool
}

variable "log_exports" {
  description = "Whether PostgreSQL's logs go to CloudWatch."
  type        = bool
}

variable "protect" {
  description = "Whether the database refuses to be deleted, and leaves a last snapshot when it is."
  type        = bool
}

variable "recovery_window_days" {
  description = "Days for which deleted credentials can be brought back (7 to 30), or 0 to delete at once."
  type        = number
}

variable "backup_window" {
  description = "Hour (UTC) of the daily backup, before the maintenance on Sundays at 21:30. Null leaves it to AWS; MiniStack knows only that."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "The most that the roles made here can ever have; null where there is none (the local cloud)."
  type        = string
  default     = null
}
