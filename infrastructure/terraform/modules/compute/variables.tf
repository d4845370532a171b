variable "prefix" {
  description = "What every name starts with, e.g. indivillage-dev."
  type        = string
}

variable "short_name" {
  description = "dev, staging or prod; target group names (32 characters at most) start with it."
  type        = string

  validation {
    condition     = length(var.short_name) <= 17
    error_message = "short_name must have at most 17 characters, so that target group names stay within 32."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "account_id" {
  description = "AWS account; roles can only be assumed by tasks of this account."
  type        = string
}

variable "network" {
  description = "VPC, subnets by kind and security groups by role."
  type = object({
    vpc_id          = string
    public_subnets  = list(string)
    subnets         = object({ private = list(string) })
    security_groups = map(string)
  })
}

variable "services" {
  description = "What the load balancers need to know of each service."
  type = object({
    frontend = object({ port = number, health_path = string })
    backend  = object({ port = number, health_path = string })
  })

  validation {
    condition     = alltrue([for service in values(var.services) : startswith(service.health_path, "/")])
    error_message = "services.*.health_path must start with a slash."
  }
}

variable "tls" {
  description = "Whether the public listeners speak HTTPS; off only on the local cloud, where they speak HTTP on port 80. Said apart from the certificate, of which nothing is known before it is made."
  type        = bool
}

variable "certificate_arn" {
  description = "Certificate of the public listeners; null where they have none."
  type        = string
  default     = null
}

variable "test_port" {
  description = "Port of the public load balancer's test listener."
  type        = number
}

variable "internal_ports" {
  description = "Listener ports of the internal load balancer, one for each color."
  type        = object({ blue = number, green = number })
}

variable "access_logs_bucket" {
  description = "Bucket that receives the load balancers' access logs."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts buckets and secrets: what the roles may decrypt with."
  type        = string
}

variable "log_groups_kms_key_arn" {
  description = "Key that encrypts log groups, ready for CloudWatch Logs."
  type        = string
}

variable "secret_arns" {
  description = "Secrets that each service's execution role may read."
  type        = object({ frontend = list(string), backend = list(string) })
}

variable "cache_arns" {
  description = "Cache and user of it that the backend signs in to with its role; none where the cache knows no users."
  type        = list(string)
  default     = []
}

variable "login_secret_arns" {
  description = "Secrets that the backend itself reads, to sign in where passwords are replaced while it runs."
  type        = list(string)
  default     = []
}

variable "bucket_arns" {
  description = "Buckets that the backend may read and write."
  type        = list(string)
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the containers' logs."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be one of the periods that CloudWatch Logs offers."
  }
}

variable "owns_registry" {
  description = "Whether this environment creates the account's image repositories. Exactly one environment of an account does."
  type        = bool
}

variable "immutable_images" {
  description = "Whether a tag keeps its image for ever, but for *-latest and stable (MiniStack has no such exceptions)."
  type        = bool
  default     = false

  validation {
    condition     = !var.immutable_images || !var.force_delete_images
    error_message = "immutable_images and force_delete_images exclude each other: Cloud Control never deletes a repository that holds images."
  }
}

variable "image_replica_region" {
  description = "Region that gets a copy of every image pushed from now on, or null for none."
  type        = string
  default     = null

  validation {
    condition     = var.image_replica_region == null ? true : var.image_replica_region != var.region
    error_message = "image_replica_region must be another region: ECR copies to no other place of the same one."
  }
}

variable "autoscaling" {
  description = "Percent of CPU and memory that autoscaling aims for, or null to leave it out (the local cloud has none)."
  type        = object({ cpu_percent = number, memory_percent = number })
  default     = null
}

variable "protect" {
  description = "Whether load balancers refuse to be deleted."
  type        = bool
}

variable "force_delete_images" {
  description = "Whether destroying the environment may delete repositories that hold images. Only ever true on the local cloud."
  type        = bool
}

variable "permissions_boundary_arn" {
  description = "The most that the roles made here can ever have; null where there is none (the local cloud)."
  type        = string
  default     = null
}
