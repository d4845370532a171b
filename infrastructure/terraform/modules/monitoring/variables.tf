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
