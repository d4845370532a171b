variable "prefix" {
  description = "What every name starts with, e.g. indivillage-dev."
  type        = string
}

variable "account_id" {
  description = "AWS account whose identities may use the key."
  type        = string
}

variable "region" {
  description = "AWS region, named in the key policy."
  type        = string
}

variable "basic_auth" {
  description = "Whether the protected pages ask for a password (user qa)."
  type        = bool
}

variable "origin_secret_generations" {
  description = "Which value is current of each secret that CloudFront shows the load balancer, blue and green; null where there is no CloudFront."
  type        = map(number)
  default     = null

  validation {
    condition     = var.origin_secret_generations == null ? true : toset(keys(var.origin_secret_generations)) == toset(["blue", "green"])
    error_message = "origin_secret_generations must name blue and green."
  }
}

variable "recovery_window_days" {
  description = "Days for which a deleted secret or key can be brought back (7 to 30), or 0 for the shortest that AWS allows."
  type        = number

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30)
    error_message = "recovery_window_days must be 0, or between 7 and 30."
  }
}
