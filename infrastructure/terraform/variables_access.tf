# Who gets in, and by which way; variables.tf has the others.

variable "access" {
  description = "Whether protected pages ask for a password, and the address ranges from which release tests may see the idle color. What each role may do: read, approve, test, deploy, full. Whether full takes a second factor."
  type = object({
    basic_auth = bool
    test_cidrs = optional(set(string), [])
    roles      = object({ developer = string, qa = string, devops = string, product_owner = string })
    admin_mfa  = bool
  })
}

variable "account" {
  description = "What watches the account, for the environment that owns it (owns_account): GuardDuty, AWS Config, Inspector. The others leave it alone, whatever they say."
  type        = object({ guardduty = bool, config = bool, inspector = bool })
  default     = { guardduty = true, config = true, inspector = true }
}

variable "repository" {
  description = "The repository on GitHub whose workflows deploy."
  type        = string
  default     = "indivillage/indivillage.com"
}

variable "cdn" {
  description = "CloudFront in front of the public load balancer. rate_limit is requests of one address in five minutes. restrict_origin is false only while the domain moves to CloudFront. failover_dns_name is a load balancer of a second region. A secret is replaced by raising the generation of the one that is not sent, then sending that one."
  type = object({
    enabled                   = bool
    rate_limit                = optional(number, 2000)
    restrict_origin           = optional(bool, true)
    failover_dns_name         = optional(string)
    origin_secret_sent        = optional(string, "blue")
    origin_secret_generations = optional(map(number), { blue = 1, green = 1 })
  })

  validation {
    condition     = toset(keys(var.cdn.origin_secret_generations)) == toset(["blue", "green"])
    error_message = "cdn.origin_secret_generations must name blue and green."
  }
}

variable "dns" {
  description = "The hosted zone in Route 53 that holds domain, and whether this environment makes it (one of an account does; the others look it up). health_check asks for the front page from all over the world. Null leaves records and certificates to somebody else."
  type = object({
    zone         = string
    create_zone  = optional(bool, false)
    health_check = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.dns == null ? true : var.domain == var.dns.zone || endswith(var.domain, ".${var.dns.zone}")
    error_message = "dns.zone must be domain or what it ends with."
  }

  validation {
    condition     = var.dns == null ? true : !var.dns.health_check || !var.access.basic_auth
    error_message = "dns.health_check has no password to send: it takes open pages (access.basic_auth = false)."
  }
}
