variable "prefix" {
  description = "What every name starts with, e.g. indivillage-dev."
  type        = string
}

variable "short_name" {
  description = "dev, staging or prod: target groups start with it."
  type        = string
}

variable "environment" {
  description = "The environment's name as its tag says it: what bears another one is out of everybody's reach."
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

variable "replica_region" {
  description = "The other AWS region in which people and CI may do anything."
  type        = string
}

variable "domain" {
  description = "Where visitors find the environment: people and CI may change this name in Route 53 and those below it, and no other."
  type        = string
}

variable "state_bucket" {
  description = "Bucket of Terraform's state, lease, journal, ledger and approvals."
  type        = string
}

variable "people" {
  description = "What each of the four roles may do here (read, approve, test, deploy, full), and whether whoever may do everything needs a second factor. Null makes no roles: the local cloud asks nobody."
  type = object({
    roles     = object({ developer = string, qa = string, devops = string, product_owner = string })
    admin_mfa = bool
  })
  default = null

  validation {
    condition     = var.people == null ? true : alltrue([for level in values(var.people.roles) : contains(["read", "approve", "test", "deploy", "full"], level)])
    error_message = "people.roles.* must be read, approve, test, deploy or full."
  }

  validation {
    condition     = var.people == null ? true : var.people.roles.devops == "full"
    error_message = "people.roles.devops must be full: somebody has to be able to mend things."
  }

  validation {
    condition     = var.people == null ? true : var.environment != "production" || var.people.admin_mfa
    error_message = "people.admin_mfa must be true in production."
  }
}

variable "ci" {
  description = "What GitHub has to vouch for before CI gets its role: repository, branch and GitHub's own environment. Null makes none."
  type        = object({ repository = string, branch = string, environment = string })
  default     = null

  validation {
    condition     = var.ci == null ? true : can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.ci.repository)) && can(regex("^[A-Za-z0-9._/-]+$", var.ci.branch)) && can(regex("^[a-z]+$", var.ci.environment))
    error_message = "ci must name one repository (owner/name), one branch and one environment: a * would let others in."
  }
}

variable "account" {
  description = "What an account has once, for the environment that owns it: GitHub's identity provider, and by choice GuardDuty, AWS Config and Inspector, with the addresses that hear of their findings. Null makes none of it."
  type = object({
    guardduty = bool
    config    = bool
    inspector = bool
    emails    = set(string)
  })
  default = null
}

variable "config_bucket" {
  description = "Bucket that accepts AWS Config's record under config/."
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
