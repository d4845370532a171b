# The whole environment with development's own tfvars (given by -var-file): what the deployer is told, what AWS changes
# about it, and which values are refused. Run by tests/infrastructure, which puts a double in the place of
# generated_secret: mocked providers cannot play its ephemeral resources.
mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "replica"
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "edge"
  source = "./tests/mocks/edge"
}

run "environment" {
  assert {
    condition     = jsondecode(aws_ssm_parameter.topology.value) == jsondecode(jsonencode(output.topology))
    error_message = "the parameter and the output must be the same object"
  }

  assert {
    condition     = aws_ssm_parameter.topology.name == "/indivillage/dev/topology" && aws_ssm_parameter.topology.tier == "Advanced"
    error_message = "the topology must stand under the environment's short name, with room for 8 kB"
  }

  assert {
    condition     = toset(keys(output.topology)) == toset(["cluster", "url", "load_balancers", "services", "subnets", "buckets", "reconciler", "alarms"])
    error_message = "the deployer reads exactly these keys"
  }

  assert {
    condition     = toset(keys(output.topology.load_balancers.public)) == toset(["arn", "dns_name", "listener", "test_listener", "port", "test_port"])
    error_message = "the public load balancer must come with both listeners"
  }

  assert {
    condition = alltrue([for service in values(output.topology.services) : toset(keys(service)) == toset([
      "repository", "family", "container_port", "execution_role", "task_role", "log_group", "security_groups",
      "health_path", "environment", "color_environment", "secrets", "colors",
    ])])
    error_message = "a service must come with everything that a release needs"
  }

  assert {
    condition     = output.topology.cluster == "indivillage-dev" && output.topology.url == "http://balancer.example" && output.topology.load_balancers.public.port == 80
    error_message = "the local cloud is reached by HTTP under the load balancer's own name"
  }

  assert {
    condition = output.topology.services.frontend.color_environment == {
      blue  = { BACKEND_URL = "http://balancer.example:8081" }
      green = { BACKEND_URL = "http://balancer.example:8082" }
    }
    error_message = "each color of the frontend must be told of its own backend"
  }

  assert {
    condition = output.topology.services.backend.environment == {
      AWS_REGION     = "ap-south-1"
      PGHOST         = "db.example"
      PGPORT         = "5432"
      PGDATABASE     = "indivillage"
      PGSSLMODE      = "prefer"
      REDIS_URL      = "redis://cache.example:6379/0"
      FORMS_BUCKET   = output.topology.buckets.forms
      UPLOADS_BUCKET = output.topology.buckets.uploads
    }
    error_message = "the backend must be told of database, cache and buckets, and of no password"
  }

  assert {
    condition     = toset(keys(output.topology.services.backend.secrets)) == toset(["API_TOKEN", "PGUSER", "PGPASSWORD"]) && endswith(output.topology.services.backend.secrets.PGPASSWORD, ":password::")
    error_message = "the backend must get its secrets by reference"
  }

  assert {
    condition     = keys(output.topology.services.frontend.secrets)[0] == "BASIC_AUTH" && length(output.topology.services.frontend.secrets) == 1
    error_message = "the frontend must get the pages' password and nothing else"
  }

  assert {
    condition = local.tags == {
      project     = "indivillage"
      environment = "development"
      version     = "1.0.0"
      deployment  = "develop-rolling"
      owner       = "platform-team"
      cost_centre = "website-development"
    }
    error_message = "tags must name project, environment, version, deployment, owner and cost centre, and hold nothing that changes with a release"
  }
}

run "nothing_that_the_local_cloud_lacks" {
  command = plan

  variables {
    backups     = { retention_days = 30, replicate = true }
    database    = { engine_version = "15", instance_class = "db.t4g.micro", allocated_storage_gb = 20, multi_az = false, backup_retention_days = 30, replicate = true }
    file_system = true
  }

  assert {
    condition     = length(module.dns) == 0 && output.dns == null && output.replica == null && var.dns.zone == "indivillage.com"
    error_message = "the local cloud is found under names of its own, and is one region"
  }

  assert {
    condition     = length(local.endpoints) == 0 && !contains(keys(module.networking.security_groups), "endpoints")
    error_message = "the local cloud's tasks reach it under its own name"
  }

  assert {
    condition     = var.cdn.enabled && length(module.cdn) == 0 && output.cdn == null && nonsensitive(module.security.origin_secrets == null) && length([for role in keys(module.networking.security_groups) : role if role == "public-alb"]) == 1
    error_message = "the local cloud's load balancer is reached without CloudFront"
  }

  assert {
    condition     = length(module.replica) == 0 && module.storage.backups_bucket == null && module.storage.replication == {} && module.storage.file_system == null
    error_message = "the local cloud has no second region, no locked objects and no file system"
  }

  assert {
    condition     = output.grafana == null && length(output.topology.alarms) == 9
    error_message = "the local cloud has no Grafana, and the gates all their alarms"
  }

  assert {
    condition     = module.security.role_arns == {} && module.security.workload_boundary_arn == null && local.account == null
    error_message = "the local cloud asks nobody who he is, and nobody watches it"
  }
}

run "open_pages" {
  command = plan

  variables {
    access = {
      basic_auth = false
      roles      = { developer = "read", qa = "read", devops = "full", product_owner = "read" }
      admin_mfa  = false
    }
  }

  assert {
    condition     = length(output.topology.services.frontend.secrets) == 0
    error_message = "open pages need no password"
  }
}

run "production_on_aws" {
  command = plan

  variables {
    name                   = "production"
    short_name             = "prod"
    domain                 = "www.indivillage.com"
    branch                 = "main"
    cloud                  = "aws"
    account_id             = "123456789012"
    protect                = true
    owns_account           = false
    infrastructure_version = "1.2.3"
    backups                = { retention_days = 30, replicate = true }
    database               = { engine_version = "15", instance_class = "db.m7g.large", allocated_storage_gb = 100, multi_az = true, backup_retention_days = 30, replicate = true }
    dns                    = { zone = "indivillage.com", health_check = true }
    file_system            = true
    grafana                = { enabled = true }

    access = {
      basic_auth = false
      roles      = { developer = "read", qa = "read", devops = "full", product_owner = "approve" }
      admin_mfa  = true
    }
  }

  assert {
    condition     = length(output.topology.alarms) == 9 && !anytrue([for name in output.topology.alarms : strcontains(name, "-ops-")])
    error_message = "what people hear of must not become a gate of releases"
  }

  assert {
    condition     = local.grafana
    error_message = "production must have Grafana, in the second region"
  }

  assert {
    condition     = toset(keys(module.security.role_arns)) == toset(["ci", "developer", "devops", "product_owner", "qa"])
    error_message = "people and CI must have their roles"
  }

  assert {
    condition     = local.account == null && !local.config
    error_message = "what an account has once is development's"
  }

  assert {
    condition     = output.topology.services.backend.environment.REDIS_IAM_USER == "indivillage-prod-backend" && output.topology.services.backend.environment.REDIS_IAM_CLUSTER == "indivillage-prod"
    error_message = "on AWS the backend must be told as whom it signs in to Redis"
  }

  assert {
    condition     = local.endpoints == toset(["ecr.api", "ecr.dkr", "logs", "secretsmanager"]) && contains(keys(module.networking.security_groups), "endpoints")
    error_message = "tasks must reach AWS's APIs without the internet"
  }

  assert {
    condition     = output.topology.services.backend.environment.PGPORT == "5433"
    error_message = "on AWS the database must not stand at the port that scanners try"
  }

  assert {
    condition     = length(module.cdn) == 1 && output.topology.test_host == "origin.www.indivillage.com" && output.topology.services.backend.environment.TRUSTED_PROXY_HOPS == "4"
    error_message = "behind CloudFront the test listener has a name of its own, and visitors are one hop further away"
  }

  assert {
    condition     = nonsensitive(toset(keys(module.security.origin_secrets)) == toset(["blue", "green"]))
    error_message = "CloudFront must have secrets to show"
  }

  assert {
    condition     = toset(keys(module.storage.replication)) == toset(["forms", "uploads"]) && length(module.replica) == 1
    error_message = "what visitors send must be copied to the second region"
  }

  assert {
    condition     = var.database.replicate && output.replica.region == "ap-southeast-1" && toset(keys(output.replica.buckets)) == toset(["forms", "state", "uploads"])
    error_message = "whoever starts again there must know with what"
  }

  assert {
    condition     = length(data.aws_acm_certificate.this) + length(data.aws_acm_certificate.edge) == 0 && output.dns.switch_id == null && output.dns.name_servers == null
    error_message = "where DNS is ours certificates are, too"
  }

  assert {
    condition     = module.storage.backups_bucket == "indivillage-prod-backups-123456789012" && toset(keys(output.topology.buckets)) == toset(["forms", "uploads", "logs"])
    error_message = "backups must be locked, and the deployer not be told where they are"
  }

  assert {
    condition     = contains(keys(module.networking.security_groups), "file-system")
    error_message = "a file system must stand behind a group of its own"
  }

  assert {
    condition     = local.protect && local.recovery_window_days == 30 && local.tags.version == "1.2.3"
    error_message = "production must be protected from being destroyed"
  }

  assert {
    condition     = output.url == "https://www.indivillage.com" && output.topology.load_balancers.public.port == 443
    error_message = "on AWS visitors use HTTPS under the domain"
  }

  assert {
    condition     = output.topology.services.backend.environment.PGSSLMODE == "require" && module.database.postgres.sslmode == "require"
    error_message = "on AWS the backend must use TLS to the database"
  }

  assert {
    condition     = aws_ssm_parameter.topology.name == "/indivillage/prod/topology"
    error_message = "names must follow the short name"
  }

  assert {
    condition     = output.topology.reconciler == null
    error_message = "one color leaves nothing behind: ECS ends a rolling update"
  }
}

# What docs/infrastructure/region-failure.md has people write (tests/infrastructure compares the two).
run "the_stand_in_of_a_lost_region" {
  command = plan

  variables {
    name           = "production"
    short_name     = "prod"
    domain         = "www.indivillage.com"
    cloud          = "aws"
    account_id     = "123456789012"
    protect        = true
    owns_account   = false
    access         = { basic_auth = false, roles = { developer = "read", qa = "read", devops = "full", product_owner = "approve" }, admin_mfa = true }
    grafana        = { enabled = true }
    stand_in       = true
    region         = "ap-southeast-1"
    replica_region = "ap-south-1"
    dns            = null
    cdn            = { enabled = false }
    backups        = { retention_days = 30 }

    database = {
      engine_version        = "15"
      instance_class        = "db.m7g.large"
      allocated_storage_gb  = 100
      multi_az              = true
      backup_retention_days = 30
      restore_from          = "arn:aws:rds:ap-southeast-1:000000000000:auto-backup:ab-1"
    }

    deployment = {
      strategy         = "rolling"
      steps            = [{ weight_percent = 100, bake_s = 0 }]
      steady_timeout_s = 600
    }
  }

  assert {
    condition     = local.prefix == "indivillage-prod2" && local.state_bucket == "indivillage-prod2-state-123456789012" && aws_ssm_parameter.topology.name == "/indivillage/prod2/topology" && alltrue([for name in values(module.storage.names) : startswith(name, "indivillage-prod2-")])
    error_message = "nothing may be called as something of the lost region is"
  }

  assert {
    condition     = length(module.replica) + length(module.dns) + length(module.cdn) == 0 && length(data.aws_acm_certificate.this) == 1 && output.topology.cluster == "indivillage-prod2"
    error_message = "it must not need the lost region, and take the certificate that lies ready"
  }

  assert {
    condition     = output.grafana == null
    error_message = "Grafana stands in what was the second region, and in the lost one's AWS has none"
  }
}

run "on_aws_without_cloudfront" {
  command = plan

  variables {
    cloud      = "aws"
    account_id = "123456789012"
    cdn        = { enabled = false }
    dns        = null
  }

  assert {
    condition     = length(module.cdn) == 0 && !local.behind_cdn && nonsensitive(module.security.origin_secrets == null)
    error_message = "the load balancer is the door then"
  }

  assert {
    condition     = length(module.dns) == 0 && length(data.aws_acm_certificate.this) == 1 && output.dns == null && output.replica == null
    error_message = "certificates are looked up where DNS is somebody else's"
  }

  assert {
    condition     = !contains(keys(output.topology), "test_host") && !contains(keys(output.topology.services.backend.environment), "TRUSTED_PROXY_HOPS")
    error_message = "and everything is found under the domain"
  }

  assert {
    condition     = local.config && local.account.guardduty && local.account.inspector
    error_message = "development owns the account, and watches it"
  }
}

run "cloudfront_where_dns_is_somebody_elses" {
  command = plan

  variables {
    cloud      = "aws"
    account_id = "123456789012"
    dns        = null
  }

  assert {
    condition     = length(module.cdn) == 1 && length(module.dns) == 0 && output.dns == null
    error_message = "CloudFront must not need a zone of ours"
  }

  assert {
    condition     = [for certificate in concat(data.aws_acm_certificate.this, data.aws_acm_certificate.edge) : certificate.domain] == ["dev.indivillage.com", "dev.indivillage.com"]
    error_message = "both certificates must be looked up, CloudFront's in its own region"
  }

  assert {
    condition     = output.topology.test_host == "origin.dev.indivillage.com"
    error_message = "the test listener must be found under a name that is not CloudFront's"
  }
}

run "names_and_copies_without_cloudfront" {
  command = plan

  variables {
    cloud      = "aws"
    account_id = "123456789012"
    cdn        = { enabled = false }
    backups    = { retention_days = 30, replicate = true }
  }

  assert {
    condition     = length(module.dns) == 1 && length(module.cdn) == 0 && module.dns[0].origin_name == null && module.dns[0].edge_certificate_arn == null && output.cdn == null
    error_message = "the load balancer has the domain itself, and needs no second name"
  }

  assert {
    condition     = length(data.aws_acm_certificate.this) + length(data.aws_acm_certificate.edge) == 0 && !contains(keys(output.topology), "test_host")
    error_message = "nothing may be looked up or told that is CloudFront's"
  }

  assert {
    condition     = !var.database.replicate && length(module.replica) == 1 && output.replica.database == null && toset(keys(output.replica.buckets)) == toset(["forms", "state", "uploads"])
    error_message = "buckets may have their copies without the database's backups"
  }
}

run "two_colors_have_a_reconciler" {
  command = plan

  variables {
    deployment = { strategy = "blue_green", steps = [{ weight_percent = 100, bake_s = 60 }], steady_timeout_s = 300 }
  }

  assert {
    condition     = toset(keys(output.topology.reconciler)) == toset(["repository", "family", "execution_role", "task_role", "log_group"])
    error_message = "the deployer must be told where the reconciler lives"
  }

  assert {
    condition     = local.state_bucket == "indivillage-dev-state-000000000000"
    error_message = "lease and ledger must be looked for where the deployer keeps them"
  }
}

run "the_reconciler_calls_more_of_aws" {
  command = plan

  variables {
    name       = "staging"
    short_name = "staging"
    cloud      = "aws"
    account_id = "123456789012"
    protect    = true
    deployment = { strategy = "blue_green", steps = [{ weight_percent = 100, bake_s = 60 }], steady_timeout_s = 300 }
  }

  assert {
    condition     = setsubtract(local.endpoints, ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]) == toset(["application-autoscaling", "ecs", "elasticloadbalancing", "ssm", "sts"])
    error_message = "what the reconciler calls must be within reach"
  }
}

# Each of these is refused by itself: a run that a single one of them got through fails.
run "refuses_what_is_none" {
  command = plan

  variables {
    name                   = "test"
    cloud                  = "azure"
    domain                 = "https://dev.indivillage.com"
    replica_region         = "ap-south-1" # the environment's own
    account_id             = "42"
    infrastructure_version = "latest"
    deployment             = { strategy = "canary", steps = [{ weight_percent = 100, bake_s = 0 }], steady_timeout_s = 300 }
    scaling                = { min = 3, max = 2, cpu_percent = 70, memory_percent = 75 }
    alarms                 = { error_rate_percent = 1, latency_p95_ms = 1000, period_s = 90 }

    services = {
      frontend = { cpu = 300, memory = 512, count = 1, port = 8080, health_path = "/healthz" }
      backend  = { cpu = 256, memory = 512, count = 1, port = 8080, health_path = "/readyz" }
    }
  }

  expect_failures = [
    var.name, var.cloud, var.domain, var.replica_region, var.account_id, var.infrastructure_version, var.deployment, var.scaling,
    var.alarms, var.services,
  ]
}

run "refuses_what_does_not_go_together" {
  command = plan

  variables {
    name       = "production" # whose short name is another, and which is protected
    deployment = { strategy = "blue_green", steps = [{ weight_percent = 50, bake_s = 60 }], steady_timeout_s = 300 }
    scaling    = { min = 1, max = 2, cpu_percent = 100, memory_percent = 75 }
    cdn        = { enabled = true, origin_secret_generations = { blue = 1 } }
    dns        = { zone = "example.com" }
    database   = { engine_version = "15", instance_class = "db.t4g.micro", allocated_storage_gb = 20, multi_az = false, backup_retention_days = 30, replicate = true }

    # Memory between Fargate's steps.
    services = {
      frontend = { cpu = 256, memory = 512, count = 1, port = 8080, health_path = "/healthz" }
      backend  = { cpu = 1024, memory = 2500, count = 1, port = 8080, health_path = "/readyz" }
    }
  }

  expect_failures = [var.short_name, var.protect, var.deployment, var.scaling, var.cdn, var.dns, var.database, var.services]
}

# A second validation of a variable wants a run of its own: in one run the first would hide that it is gone.
run "refuses_a_privileged_port" {
  command = plan

  variables {
    region  = "Mumbai"
    dns     = { zone = "indivillage.com", health_check = true } # and the pages want a password
    scaling = { min = 0, max = 2, cpu_percent = 70, memory_percent = 75 }

    services = {
      frontend = { cpu = 256, memory = 512, count = 1, port = 80, health_path = "/healthz" }
      backend  = { cpu = 256, memory = 512, count = 1, port = 8080, health_path = "/readyz" }
    }
  }

  expect_failures = [var.region, var.dns, var.scaling, var.services]
}

run "refuses_what_is_out_of_range" {
  command = plan

  variables {
    replica_region = "Singapore"
    scaling        = { min = 1, max = 2, cpu_percent = 70, memory_percent = 5 }
    alarms         = { error_rate_percent = 1, latency_p95_ms = 1000, period_s = 0 }

    services = {
      frontend = { cpu = 256, memory = 512, count = 1, port = 70000, health_path = "/healthz" }
      backend  = { cpu = 256, memory = 512, count = 1, port = 8080, health_path = "/readyz" }
    }
  }

  expect_failures = [var.replica_region, var.scaling, var.alarms, var.services]
}
