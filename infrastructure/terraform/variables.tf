# The names and shapes of environments/<environment>/terraform.tfvars. What has a default is left out of those files
# until an environment needs another value.

variable "name" {
  description = "The environment: development, staging or production."
  type        = string

  validation {
    condition     = contains(["development", "staging", "production"], var.name)
    error_message = "name must be development, staging or production."
  }
}

variable "short_name" {
  description = "What names start with: dev, staging or prod."
  type        = string

  validation {
    condition     = var.short_name == lookup({ development = "dev", staging = "staging", production = "prod" }, var.name, "")
    error_message = "short_name must be dev for development, staging for staging, prod for production."
  }
}

variable "stand_in" {
  description = "Whether this is made in the second region because the first one is lost (docs/infrastructure/region-failure.md): names then get a 2, since those of the first one's buckets and roles stay taken."
  type        = bool
  default     = false
}

variable "domain" {
  description = "Where visitors find the environment on AWS; ACM holds an issued certificate for it."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain must be a host name such as dev.indivillage.com."
  }
}

variable "region" {
  description = "AWS region of the environment."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be an AWS region such as ap-south-1."
  }
}

variable "replica_region" {
  description = "AWS region that takes over when the first one fails."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.replica_region)) && var.replica_region != var.region
    error_message = "replica_region must be an AWS region other than region."
  }
}

variable "account_id" {
  description = "AWS account; nothing is touched in any other one."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be twelve digits."
  }
}

variable "cloud" {
  description = "local (the local cloud) or aws."
  type        = string

  validation {
    condition     = contains(["local", "aws"], var.cloud)
    error_message = "cloud must be local or aws."
  }
}

variable "branch" {
  description = "Branch from which the environment is deployed."
  type        = string
}

variable "owner" {
  description = "Team that answers for the environment; a tag on everything."
  type        = string
}

variable "cost_centre" {
  description = "Who pays; a tag on everything."
  type        = string
}

variable "protect" {
  description = "Whether what holds data outlives a careless destroy on AWS: deletion protection, last snapshots, thirty days to take a deletion back, locked backups. Only development, whose data is synthetic by rule, may do without."
  type        = bool

  validation {
    condition     = var.protect || var.name == "development"
    error_message = "protect must be true outside development: there is data of the public."
  }
}

variable "deployment" {
  description = "How releases reach visitors: weight_percent is the new color's share, bake_s how long it must prove itself there. rehearsal_factor scales bake_s on the local cloud."
  type = object({
    strategy         = string
    steps            = list(object({ weight_percent = number, bake_s = number }))
    steady_timeout_s = number
    rehearsal_factor = optional(number, 1)
  })

  validation {
    condition     = contains(["rolling", "blue_green"], var.deployment.strategy)
    error_message = "deployment.strategy must be rolling or blue_green."
  }

  validation {
    condition     = try(var.deployment.steps[length(var.deployment.steps) - 1].weight_percent == 100, false)
    error_message = "deployment.steps must end at weight_percent = 100."
  }
}

variable "services" {
  description = "Both services: cpu in CPU units (1024 = one vCPU), memory in MiB, count of tasks, port and health_path of the container."
  type = object({
    frontend = object({ cpu = number, memory = number, count = number, port = number, health_path = string, environment = optional(map(string), {}) })
    backend  = object({ cpu = number, memory = number, count = number, port = number, health_path = string, environment = optional(map(string), {}) })
  })

  validation {
    condition     = alltrue([for service in values(var.services) : service.port >= 1024 && service.port <= 65535])
    error_message = "services.*.port must be between 1024 and 65535: containers run without privileges."
  }

  validation {
    # docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html (task CPU and memory)
    condition = alltrue([for service in values(var.services) : try(contains({
      256   = [512, 1024, 2048]
      512   = range(1024, 4097, 1024)
      1024  = range(2048, 8193, 1024)
      2048  = range(4096, 16385, 1024)
      4096  = range(8192, 30721, 1024)
      8192  = range(16384, 61441, 4096)
      16384 = range(32768, 122881, 8192)
    }[service.cpu], service.memory), false)])
    error_message = "services.*.cpu must be a Fargate size (256 to 16384), services.*.memory one that Fargate has for it: whole GiB between two and eight times as much, or 512 with 256."
  }
}

variable "scaling" {
  description = "Fewest and most tasks of a live service, and the percent of CPU and memory that autoscaling aims for."
  type        = object({ min = number, max = number, cpu_percent = number, memory_percent = number })

  validation {
    condition     = var.scaling.min >= 1 && var.scaling.max >= var.scaling.min
    error_message = "scaling.min must be at least 1 and scaling.max not below it."
  }

  validation {
    condition     = alltrue([for percent in [var.scaling.cpu_percent, var.scaling.memory_percent] : percent >= 10 && percent <= 95])
    error_message = "scaling.cpu_percent and scaling.memory_percent must be between 10 and 95."
  }
}

variable "database" {
  description = "PostgreSQL: engine_version is the major version, instance_class RDS's own name. rotation_days is how often RDS replaces the password on AWS. replicate has AWS copy automated backups to replica_region, beside what backups.replicate keeps there. restore_from is the ARN of such copies, whose newest moment a database is made from; one that is there stays as it is."
  type = object({
    engine_version        = string
    instance_class        = string
    allocated_storage_gb  = number
    multi_az              = bool
    backup_retention_days = number
    rotation_days         = optional(number, 30)
    replicate             = optional(bool, false)
    restore_from          = optional(string)
  })

  validation {
    condition     = !var.database.replicate || var.backups.replicate
    error_message = "database.replicate needs backups.replicate: copies are encrypted with the second region's key."
  }
}

variable "cache" {
  description = "Redis: node_type is ElastiCache's own name, nodes counts the primary and its replicas."
  type        = object({ engine_version = string, node_type = string, nodes = number })
}

variable "backups" {
  description = "Days for which replaced or deleted forms and uploads can be brought back, and whether replica_region gets a copy of both, of state and ledger, of daily database backups, and of the account's images. At most one environment of an account asks for it."
  type        = object({ retention_days = number, replicate = optional(bool, false) })
}

variable "network" {
  description = "Address range, number of zones, and NAT gateways (none, single, per_zone)."
  type = object({
    cidr  = optional(string, "10.20.0.0/16")
    zones = optional(number, 2)
    nat   = optional(string, "single")
  })
  default = {}
}

variable "file_system" {
  description = "Whether there is an EFS file system. Nothing mounts it yet: modules/storage/file_system.tf says why it is off."
  type        = bool
  default     = false
}

variable "reconciler_schedule" {
  description = "How often the scheduled reconciler looks whether a deployment was cut off, as EventBridge writes it."
  type        = string
  default     = "rate(1 minute)"
}

variable "owns_account" {
  description = "Whether this environment makes what an account has once: image repositories, the ban on public buckets, GitHub's identity provider, the guards. Exactly one environment of an account does."
  type        = bool
  default     = false
}

variable "infrastructure_version" {
  description = "Version of this infrastructure, a tag on everything. Raised by hand with a change that people should be able to tell apart."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.infrastructure_version))
    error_message = "infrastructure_version must be three numbers such as 1.0.0."
  }
}
