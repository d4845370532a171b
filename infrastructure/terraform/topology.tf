# What the deployer needs to know, and all it knows: it reads this parameter, never Terraform's state.
locals {
  colors = ["blue", "green"]

  frontend = {
    environment = var.services.frontend.environment
    color_environment = { for color in local.colors : color => {
      BACKEND_URL = "http://${module.compute.load_balancers.internal.dns_name}:${local.internal_ports[color]}"
    } }
    secrets = var.access.basic_auth ? { BASIC_AUTH = module.security.basic_auth_secret_arn } : {}
  }

  backend = {
    environment = merge({
      AWS_REGION     = var.region
      PGHOST         = module.database.postgres.host
      PGPORT         = tostring(module.database.postgres.port)
      PGDATABASE     = module.database.postgres.name
      PGSSLMODE      = module.database.postgres.sslmode
      REDIS_URL      = module.database.redis_url
      FORMS_BUCKET   = module.storage.names.forms
      UPLOADS_BUCKET = module.storage.names.uploads
      }, local.local_cloud ? {} : {
      REDIS_IAM_USER    = module.database.cache_login.user
      REDIS_IAM_CLUSTER = module.database.cache_login.cluster
      # New connections sign in with what it holds then: RDS replaces the password while tasks run.
      DATABASE_SECRET_ARN = module.database.credentials_secret_arn
      }, local.cdn ? {
      TRUSTED_PROXY_HOPS = "4" # CloudFront appends to X-Forwarded-For, too
    } : {}, var.services.backend.environment)
    color_environment = { for color in local.colors : color => {} }
    secrets = {
      API_TOKEN  = module.security.api_token_secret_arn
      PGUSER     = "${module.database.credentials_secret_arn}:username::"
      PGPASSWORD = "${module.database.credentials_secret_arn}:password::"
    }
  }

  topology = merge({
    cluster        = module.compute.cluster
    url            = local.local_cloud ? "http://${module.compute.load_balancers.public.dns_name}" : "https://${var.domain}"
    load_balancers = module.compute.load_balancers
    services = {
      frontend = merge(module.compute.services["frontend"], local.frontend)
      backend  = merge(module.compute.services["backend"], local.backend)
    }
    subnets    = module.networking.subnets.private
    buckets    = module.storage.names
    reconciler = one(module.reconciler[*].topology)
    alarms     = module.monitoring.alarms
    }, local.cdn ? {
    test_host = local.origin_name # CloudFront has no port for the test listener
  } : {})
}

resource "aws_ssm_parameter" "topology" {
  #checkov:skip=CKV2_AWS_34:names and ARNs, no secret; encrypted, whoever reads it needs the key as well

  name        = local.topology_parameter
  description = "What Terraform made of ${var.name}, for the deployer"
  type        = "String"
  tier        = "Advanced" # 8 kB; a standard parameter ends at 4 kB
  value       = jsonencode(local.topology)
}
