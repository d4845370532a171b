variable "prefix" {
  description = "What every name starts with, e.g. indivillage-prod."
  type        = string
}

variable "account_id" {
  description = "AWS account: named in policies, and makes the bucket's name unique in the world."
  type        = string
}

variable "domain" {
  description = "Where visitors find the website. The load balancer's certificate and CloudFront's are both for it."
  type        = string
}

variable "certificate_arn" {
  description = "CloudFront's certificate for the domain. It takes none of another region than us-east-1."
  type        = string

  validation {
    condition     = can(regex("^arn:aws:acm:us-east-1:[0-9]{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn must name a certificate in us-east-1."
  }
}

variable "load_balancer" {
  description = "The public load balancer, which refuses everybody but this distribution."
  type        = object({ arn = string })
}

variable "origin_name" {
  description = "By which name CloudFront finds the load balancer. Where DNS is ours a name of its own, so that a record can send CloudFront to another load balancer."
  type        = string
}

variable "second_region" {
  description = "Whether the page for when nobody answers lies in the second region, too."
  type        = bool
}

variable "failover_dns_name" {
  description = "Load balancer of a second region, which gets what is only read when the first one fails; null where there is none. Its certificate is for the same domain."
  type        = string
  default     = null
}

variable "test_cidrs" {
  description = "Address ranges that reach the test listener without CloudFront. Security groups let them nowhere else."
  type        = set(string)
  default     = []
}

variable "restrict_origin" {
  description = "Whether the load balancer refuses what does not come from this distribution. False only while the domain still points at the load balancer."
  type        = bool
  default     = true
}

variable "origin_secrets" {
  description = "Two secrets, blue and green. CloudFront sends one of them, the load balancer takes both: so one can be replaced while the other is in use."
  type        = object({ blue = string, green = string })
  sensitive   = true
}

variable "origin_secret_sent" {
  description = "Which of the two CloudFront sends: blue or green."
  type        = string
  default     = "blue"

  validation {
    condition     = contains(["blue", "green"], var.origin_secret_sent)
    error_message = "origin_secret_sent must be blue or green."
  }
}

variable "rate_limit" {
  description = "Requests that one address may make in five minutes. Whole offices share one."
  type        = number

  validation {
    condition     = var.rate_limit >= 100 && var.rate_limit <= 100000
    error_message = "rate_limit must be between 100 and 100000 requests in five minutes."
  }
}

variable "price_class" {
  description = "From where CloudFront answers: PriceClass_100 (no India), PriceClass_200, PriceClass_All."
  type        = string
  default     = "PriceClass_200"

  validation {
    condition     = contains(["PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "price_class must be PriceClass_200 or PriceClass_All: PriceClass_100 has no place in India."
  }
}

variable "logs_bucket" {
  description = "Bucket that accepts CloudFront's access logs under cdn/ and S3's under s3/."
  type        = object({ name = string, arn = string })
}

variable "log_retention_days" {
  description = "Days for which the firewall's logs are kept."
  type        = number
  default     = 90
}

variable "log_groups_kms_key_arn" {
  description = "Key of the load balancer's region that encrypts log groups, ready for CloudWatch Logs."
  type        = string
}

variable "retention_days" {
  description = "Days for which the replaced error page can be brought back."
  type        = number
}
