# What counts as trouble, who hears of it, and where it can be looked at; variables.tf has the others.

variable "alarms" {
  description = "What counts as trouble while a release takes over: percent of failed requests, and the 95th percentile of response times. period_s is how often CloudWatch has a load balancer's metrics; the local cloud publishes every second. The others stop no release, and have their defaults in modules/monitoring."
  type = object({
    error_rate_percent = number
    latency_p95_ms     = number
    period_s           = optional(number, 60)

    cpu_percent          = optional(number)
    memory_percent       = optional(number)
    storage_free_percent = optional(number)
    rpo_s                = optional(number)
    backup_age_hours     = optional(number)
    anomaly_deviations   = optional(number)
  })

  validation {
    condition     = var.alarms.period_s >= 60 && var.alarms.period_s % 60 == 0
    error_message = "alarms.period_s must be a multiple of 60: load balancers publish once a minute."
  }
}

variable "notifications" {
  description = "Who hears of deployments and alarms: emails of all, phones of critical alarms, by text message."
  type        = object({ emails = list(string), phones = optional(set(string), []) })
}

variable "grafana" {
  description = "Whether there is an Amazon Managed Grafana workspace, in replica_region, which shows the metrics of the whole account, and the groups of IAM Identity Center (their ids) that are admin, editor or viewer there. Off where the environment is local."
  type        = object({ enabled = bool, groups = optional(map(set(string)), {}) })
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the logs of containers, database and cluster."
  type        = number
  default     = 30
}
