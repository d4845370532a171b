variable "prefix" {
  description = "What every name starts with, e.g. indivillage-dev."
  type        = string
}

variable "region" {
  description = "AWS region; zones are named after it."
  type        = string
}

variable "cidr" {
  description = "Address range of the VPC, a /16 to /20 so that four subnets of each kind fit."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20, false)
    error_message = "cidr must be an IPv4 range between /16 and /20."
  }
}

variable "zones" {
  description = "Number of availability zones to spread over; a load balancer needs two."
  type        = number

  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "zones must be 2 or 3."
  }
}

variable "nat" {
  description = "NAT gateways for the private subnets: none, single (cheap, one zone's failure cuts egress) or per_zone."
  type        = string

  validation {
    condition     = contains(["none", "single", "per_zone"], var.nat)
    error_message = "nat must be none, single or per_zone."
  }
}

variable "container_port" {
  description = "Port on which the containers listen, per service."
  type        = object({ frontend = number, backend = number })
}

variable "public_ports" {
  description = "Ports of the public load balancer that visitors may reach from anywhere."
  type        = set(number)
}

variable "cloudfront_only" {
  description = "Whether visitors come through CloudFront: then its addresses alone reach the public load balancer, on port 443."
  type        = bool
  default     = false
}

variable "test_port" {
  description = "Port of the public load balancer's test listener, which shows the idle color."
  type        = number
}

variable "test_cidrs" {
  description = "Address ranges that may reach the test listener. Never the whole internet: it shows unreleased work."
  type        = set(string)

  validation {
    condition     = alltrue([for cidr in var.test_cidrs : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")])
    error_message = "test_cidrs must be IPv4 ranges, and none of them the whole internet."
  }

  validation {
    # CloudFront's list counts as 55 of the 60 rules that AWS lets a security group have.
    condition     = length(var.test_cidrs) <= 5
    error_message = "test_cidrs must be five ranges at most: a security group has no room for more."
  }
}

variable "database_port" {
  description = "Port of PostgreSQL."
  type        = number
}

variable "internal_ports" {
  description = "Listener ports of the internal load balancer, one for each color of the backend."
  type        = object({ blue = number, green = number })
}

variable "flow_logs" {
  description = "Bucket that receives the VPC's flow logs, or null to keep none (MiniStack forgets half of their settings). An object, since a bucket's ARN is not known before it is made, and whether there are logs has to be."
  type        = object({ bucket_arn = string })
}

variable "file_system" {
  description = "Whether the backend may reach a shared file system."
  type        = bool
  default     = false
}

variable "endpoints" {
  description = "AWS services that tasks reach inside the VPC, as endpoint names end (ecr.api, logs); with none they go out by NAT. S3 always has its gateway."
  type        = set(string)
  default     = []

  validation {
    condition     = length(var.endpoints) == 0 || length(setsubtract(["ecr.api", "ecr.dkr", "logs", "secretsmanager"], var.endpoints)) == 0
    error_message = "endpoints must be none, or hold ecr.api, ecr.dkr, logs and secretsmanager: no task starts without one of them."
  }
}
