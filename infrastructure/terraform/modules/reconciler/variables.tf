variable "prefix" {
  description = "What every name starts with, e.g. indivillage-staging."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "account_id" {
  description = "AWS account; roles can only be assumed on behalf of this account."
  type        = string
}

variable "schedule" {
  description = "How often the reconciler looks, as EventBridge writes it. Once a minute, what was left behind is settled when its lease ends; at longer rates by a later look."
  type        = string

  validation {
    condition     = can(regex("^rate\\((1 minute|[2-9] minutes|[1-9][0-9]+ minutes)\\)$", var.schedule))
    error_message = "schedule must be a rate in minutes, such as rate(1 minute) or rate(5 minutes)."
  }
}

variable "cluster" {
  description = "Name of the ECS cluster, where the task runs and whose services it may scale."
  type        = string
}

variable "services" {
  description = "Names of the ECS services that it may scale."
  type        = set(string)
}

variable "autoscaling" {
  description = "Whether those services scale by themselves, so that it has to set between how many tasks."
  type        = bool
}

variable "listeners" {
  description = "ARNs of the listeners whose traffic it may move."
  type        = list(string)
}

variable "repository" {
  description = "ECR repository of the deployer's own image."
  type        = string
}

variable "state_bucket" {
  description = "Bucket that holds the lease and the ledger; the deployer makes it."
  type        = string
}

variable "topology_parameter" {
  description = "SSM parameter that it reads, with its leading slash."
  type        = string

  validation {
    condition     = startswith(var.topology_parameter, "/")
    error_message = "topology_parameter must start with a slash."
  }
}

variable "subnets" {
  description = "Private subnets with a way to AWS's APIs."
  type        = list(string)
}

variable "security_groups" {
  description = "Security groups of the task: nothing in, TLS out."
  type        = list(string)
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps what it printed."
  type        = number
}

variable "log_groups_kms_key_arn" {
  description = "Key that encrypts log groups, ready for CloudWatch Logs."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "The most that the roles made here can ever have; null where there is none (the local cloud)."
  type        = string
  default     = null
}
