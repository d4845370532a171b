variable "prefix" {
  description = "What every name starts with, e.g. indivillage-prod."
  type        = string
}

variable "domain" {
  description = "Where visitors find the website."
  type        = string

  validation {
    condition     = var.domain == var.zone || endswith(var.domain, ".${var.zone}")
    error_message = "domain must lie in the zone."
  }
}

variable "zone" {
  description = "Hosted zone that holds the records, e.g. indivillage.com."
  type        = string
}

variable "create_zone" {
  description = "Whether the zone is made here; otherwise it is looked up."
  type        = bool
}

variable "region" {
  description = "Region of the load balancer."
  type        = string
}

variable "replica_region" {
  description = "Region of the load balancer that takes over."
  type        = string
}

variable "replicate" {
  description = "Whether a certificate lies ready in the second region."
  type        = bool
}

variable "cdn" {
  description = "Whether CloudFront stands before the load balancer: visitors' name is then CloudFront's, and the load balancer has one of its own."
  type        = bool
}

variable "distribution" {
  description = "CloudFront's name and zone; null without it."
  type        = object({ dns_name = string, hosted_zone_id = string })
  default     = null
}

variable "origin_name" {
  description = "By which name CloudFront and release tests find the load balancer."
  type        = string
}

variable "load_balancer_dns_name" {
  description = "The public load balancer."
  type        = string
}

variable "failover_dns_name" {
  description = "A second region's load balancer, which CloudFront finds when the first one has no healthy target; null where there is none."
  type        = string
  default     = null
}

variable "health_check" {
  description = "Whether Route 53 asks for the front page from all over the world. It has no password to send."
  type        = bool
}
