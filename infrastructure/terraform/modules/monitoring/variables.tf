variable "prefix" {
  description = "What every name starts with, such as indivillage-staging."
  type        = string
}

variable "load_balancer" {
  description = "Dimension LoadBalancer of the public load balancer (arn_suffix)."
  type        = string
}

variable "public_target_groups" {
  description = "Color -> dimension TargetGroup (arn_suffix) of the target groups that visitors reach."
  type        = map(string)
}

variable "target_groups" {
  description = "Every target group of both load balancers by name, with the dimensions of its metrics."
  type        = map(object({ load_balancer = string, target_group = string }))
}

variable "error_rate_percent" {
  description = "Percent of failed requests above which an alarm fires."
  type        = number

  validation {
    condition     = var.error_rate_percent > 0 && var.error_rate_percent < 100
    error_message = "error_rate_percent must be between 0 and 100."
  }
}

variable "latency_p95_ms" {
  description = "95th percentile of response times, in milliseconds, above which an alarm fires."
  type        = number
}

variable "period_s" {
  description = "Seconds over which an alarm looks at a metric: 10, 30 or a multiple of 60."
  type        = number

  validation {
    condition     = contains([10, 30], var.period_s) || var.period_s % 60 == 0
    error_message = "period_s must be 10, 30 or a multiple of 60."
  }
}

variable "thresholds" {
  description = "What people hear of. Percent of CPU and of memory (services, database, cache) above which an alarm fires, percent of the database's storage below which one does. rpo_s: seconds by which a copy may be behind. backup_age_hours: the newest backup's. anomaly_deviations: standard deviations from what is usual."
  type = object({
    cpu_percent          = optional(number, 85)
    memory_percent       = optional(number, 85)
    storage_free_percent = optional(number, 15)
    rpo_s                = optional(number, 300)
    backup_age_hours     = optional(number, 28)
    anomaly_deviations   = optional(number, 3)
  })
  default = {}

  validation {
    condition     = alltrue([for percent in [var.thresholds.cpu_percent, var.thresholds.memory_percent, var.thresholds.storage_free_percent] : percent > 0 && percent < 100])
    error_message = "thresholds.*_percent must be between 0 and 100."
  }

  validation {
    condition     = var.thresholds.rpo_s > 0 && var.thresholds.anomaly_deviations > 0
    error_message = "thresholds.rpo_s and thresholds.anomaly_deviations must be above 0."
  }

  validation {
    condition     = var.thresholds.backup_age_hours >= 25 && var.thresholds.backup_age_hours <= 168 && floor(var.thresholds.backup_age_hours) == var.thresholds.backup_age_hours
    error_message = "thresholds.backup_age_hours must be a whole number from 25 (there is one a day) to 168: CloudWatch looks back no further than a week."
  }
}

variable "region" {
  description = "AWS region whose metrics these are."
  type        = string
}

variable "account_id" {
  description = "AWS account whose alarms may publish."
  type        = string
}

variable "kms_key_arn" {
  description = "Key of topics and log groups, once CloudWatch may use it."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "The most that Grafana's role can ever have; null where nobody asks for it."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "Days for which the log groups of AWS's own services keep what they get."
  type        = number
  default     = 30
}

variable "emails" {
  description = "Addresses that hear of every alarm."
  type        = set(string)
  default     = []
}

variable "phones" {
  description = "Numbers that get a text message when an alarm is critical."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for number in var.phones : can(regex("^\\+[1-9][0-9]{6,14}$", number))])
    error_message = "phones must be numbers with their country, such as +911234567890."
  }
}

variable "cluster" {
  description = "Name of the ECS cluster."
  type        = string
}

variable "services" {
  description = "ECS services by service and color (frontend-blue) whose CPU and memory are watched; none where nobody measures them."
  type        = map(string)
  default     = {}
}

variable "database" {
  description = "The database instance that is watched; null where nobody measures it."
  type        = object({ identifier = string, instance_class = string, storage_gb = number })
  default     = null

  validation {
    condition     = var.database == null ? true : can(regex("^db\\.[mt][0-9]+[a-z]*\\.(micro|small|medium|large|[24]?xlarge)$", var.database.instance_class))
    error_message = "database.instance_class must be of RDS's families t or m, up to 4xlarge: of others operations.tf does not know the memory."
  }
}

variable "cache" {
  description = "The cache that is watched: its replication group and its number of nodes; null where nobody measures it."
  type        = object({ group = string, nodes = number })
  default     = null
}

variable "backup_vault" {
  description = "Vault under whose name AWS Backup counts its jobs; null without one."
  type        = string
  default     = null
}

variable "replication" {
  description = "Dimensions of S3's replication metrics by what is copied; none without a second region."
  type        = map(object({ SourceBucket = string, DestinationBucket = string, RuleId = string }))
  default     = {}
}

variable "second_region" {
  description = "Where copies arrive: its name, the key of its topic, and the identifier of the database's replica there, or null. Null without a second region."
  type        = object({ region = string, kms_key_arn = string, database = optional(string) })
  default     = null
}

variable "anomalies" {
  description = "Whether CloudWatch learns what is usual, and tells of what is not."
  type        = bool
  default     = false
}

variable "grafana" {
  description = "The second region, where the workspace stands, and groups of IAM Identity Center (their ids) by what they are in Grafana: admin, editor, viewer. Null makes no workspace."
  type        = object({ region = string, groups = map(set(string)) })
  default     = null

  # docs.aws.amazon.com/general/latest/gr/grafana-service.html
  validation {
    condition = var.grafana == null ? true : contains([
      "ap-northeast-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2", "eu-central-1", "eu-west-1", "eu-west-2",
      "us-east-1", "us-east-2", "us-west-2",
    ], var.grafana.region)
    error_message = "grafana.region must be one in which Amazon Managed Grafana exists: Mumbai (ap-south-1), for one, is none."
  }

  validation {
    condition     = var.grafana == null ? true : length(setsubtract(keys(var.grafana.groups), ["admin", "editor", "viewer"])) == 0
    error_message = "grafana.groups must be named admin, editor or viewer."
  }
}
