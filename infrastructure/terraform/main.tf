# One environment of IndiVillage.com, whole. Which one is decided by the tfvars file and by nothing else.
locals {
  local_cloud = var.cloud == "local"
  prefix      = "indivillage-${var.short_name}${var.stand_in ? "2" : ""}"

  # On the local cloud the same names must be free again at once.
  protect = var.protect && !local.local_cloud

  # The local cloud is one region, and has no file systems.
  replicate   = var.backups.replicate && !local.local_cloud
  file_system = var.file_system && !local.local_cloud

  replicas = [for replica in module.replica : {
    buckets     = replica.buckets
    kms_key_arn = replica.kms_key_arn
    region      = var.replica_region
  }]

  # Days; 0 lets the same names be made again at once.
  recovery_window_days = local.protect ? 30 : 0

  # The deployer makes this bucket before the first `terraform init`, and keeps lease and ledger beside the state.
  state_bucket = "${local.prefix}-state-${var.account_id}"

  # Named here, since what reads it is made before the parameter that describes it.
  topology_parameter = "/${replace(local.prefix, "-", "/")}/topology"

  # What tasks call: ECS on their behalf the first four, the reconciler the others. Private endpoints are never real on
  # the local cloud.
  endpoints = local.local_cloud ? toset([]) : setunion(
    ["ecr.api", "ecr.dkr", "logs", "secretsmanager"],
    var.deployment.strategy == "blue_green" ? ["application-autoscaling", "ecs", "elasticloadbalancing", "ssm", "sts"] : [],
  )

  internal_ports = { blue = 8081, green = 8082 }
  test_port      = 9000
  database_port  = local.local_cloud ? 5432 : 5433 # the usual one is what scanners try

  # Only values that stay the same from release to release: a tag that changed with each would make every plan a change
  # of everything. What a single release is called stands on the task definitions that the deployer registers.
  tags = {
    project     = "indivillage"
    environment = var.name
    version     = var.infrastructure_version
    deployment  = "${var.branch}-${var.deployment.strategy}"
    owner       = var.owner
    cost_centre = var.cost_centre
  }
}

module "storage" {
  source = "./modules/storage"

  permissions_boundary_arn = module.security.workload_boundary_arn

  prefix           = local.prefix
  account_id       = var.account_id
  region           = var.region
  kms_key_arn      = module.security.kms_key_arn
  retention_days   = var.backups.retention_days
  force_destroy    = local.local_cloud
  access_logs      = !local.local_cloud
  owns_account     = !local.local_cloud && var.owns_account
  object_lock_days = local.protect ? var.backups.retention_days : null
  replica          = one(local.replicas)
  state_bucket     = local.state_bucket
  deliveries       = toset(compact([local.cdn ? "cdn" : "", local.config ? "config" : ""]))

  file_system = local.file_system ? {
    subnet_ids        = module.networking.subnets.private
    security_group_id = module.networking.security_groups["file-system"]
  } : null
}

# What has to outlive the region. The deployer knows nothing of it.
module "replica" {
  source = "./modules/replica"
  count  = local.replicate ? 1 : 0

  providers = { aws = aws.replica }

  prefix         = local.prefix
  account_id     = var.account_id
  retention_days = var.backups.retention_days

  image_lifecycle_policy = module.compute.image_lifecycle_policy

  database = var.database.replicate ? {
    source_arn            = module.database.arn
    backup_retention_days = var.database.backup_retention_days
  } : null
}

module "networking" {
  source = "./modules/networking"

  prefix          = local.prefix
  region          = var.region
  cidr            = var.network.cidr
  zones           = var.network.zones
  nat             = var.network.nat
  container_port  = { for name, service in var.services : name => service.port }
  cloudfront_only = local.behind_cdn
  public_ports    = local.local_cloud ? [80] : [80, 443]
  test_port       = local.test_port
  database_port   = local.database_port
  test_cidrs      = var.access.test_cidrs
  internal_ports  = local.internal_ports
  file_system     = local.file_system
  endpoints       = local.endpoints
  flow_logs       = local.local_cloud ? null : { bucket_arn = module.storage.log_delivery.arn }
}

module "database" {
  source = "./modules/database"

  permissions_boundary_arn = module.security.workload_boundary_arn

  prefix               = local.prefix
  subnet_ids           = module.networking.subnets.data
  security_groups      = module.networking.security_groups
  account_id           = var.account_id
  kms_key_arn          = module.security.kms_key_arn
  port                 = local.database_port
  database             = var.database
  cache                = var.cache
  tls                  = !local.local_cloud
  log_exports          = !local.local_cloud
  backup_window        = local.local_cloud ? null : "20:00-21:00"
  protect              = local.protect
  recovery_window_days = local.recovery_window_days
  rotation_days        = local.local_cloud ? null : var.database.rotation_days
  iam_authentication   = !local.local_cloud
  enhanced_monitoring  = !local.local_cloud
  cache_users          = !local.local_cloud
  event_emails         = local.local_cloud ? null : toset(var.notifications.emails)

  backup = local.local_cloud ? null : {
    retention_days = var.backups.retention_days
    copy_to        = module.replica[*].backup_vault_arn
  }
}

module "compute" {
  source = "./modules/compute"

  permissions_boundary_arn = module.security.workload_boundary_arn

  prefix                 = local.prefix
  short_name             = var.short_name
  region                 = var.region
  account_id             = var.account_id
  network                = module.networking
  services               = var.services
  tls                    = !local.local_cloud
  certificate_arn        = local.dns ? module.dns[0].certificate_arn : one(data.aws_acm_certificate.this[*].arn)
  test_port              = local.test_port
  internal_ports         = local.internal_ports
  access_logs_bucket     = module.storage.log_delivery.name
  log_groups_kms_key_arn = module.security.log_groups_kms_key_arn
  kms_key_arn            = module.security.kms_key_arn
  login_secret_arns      = local.local_cloud ? [] : [module.database.credentials_secret_arn]
  cache_arns             = local.local_cloud ? [] : module.database.cache_login.arns
  bucket_arns            = [module.storage.arns.forms, module.storage.arns.uploads]
  owns_registry          = var.owns_account
  autoscaling            = local.local_cloud ? null : var.scaling
  log_retention_days     = var.log_retention_days
  protect                = local.protect
  force_delete_images    = local.local_cloud
  immutable_images       = !local.local_cloud
  image_replica_region   = local.replicate ? var.replica_region : null

  secret_arns = {
    frontend = compact([module.security.basic_auth_secret_arn])
    backend  = [module.security.api_token_secret_arn, module.database.credentials_secret_arn]
  }
}

# Only two colors can be left half way: a rolling update is ended by ECS itself.
module "reconciler" {
  source = "./modules/reconciler"
  count  = var.deployment.strategy == "blue_green" ? 1 : 0

  permissions_boundary_arn = module.security.workload_boundary_arn

  prefix                 = local.prefix
  region                 = var.region
  account_id             = var.account_id
  schedule               = var.reconciler_schedule
  cluster                = module.compute.cluster
  services               = flatten([for service in values(module.compute.services) : [for color in values(service.colors) : color.service]])
  autoscaling            = !local.local_cloud
  listeners              = [module.compute.load_balancers.public.listener, module.compute.load_balancers.public.test_listener]
  repository             = module.compute.deployer_repository
  state_bucket           = local.state_bucket
  topology_parameter     = local.topology_parameter
  subnets                = module.networking.subnets.private
  security_groups        = [module.networking.security_groups["reconciler"]]
  log_retention_days     = var.log_retention_days
  log_groups_kms_key_arn = module.security.log_groups_kms_key_arn
}
