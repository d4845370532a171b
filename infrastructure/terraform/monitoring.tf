# Who is told of what: alarms, dashboards, Grafana. The local cloud measures its load balancers, and nothing of tasks,
# database, cache, backups and copies.
locals {
  second_region = [for replica in module.replica : {
    region      = var.replica_region
    kms_key_arn = replica.kms_key_arn
    database    = null # copies of backups, no replica: RDS has no metric of how far they are
  }]

  # It stands in the second region, so that it is there when the first one is lost: a stand-in makes no other.
  grafana = var.grafana.enabled && !local.local_cloud && !var.stand_in

  # Known before they are there: what is to be here before them must not wait for them.
  database_identifier = local.prefix
  cache_group         = local.prefix
}

module "monitoring" {
  source = "./modules/monitoring"

  providers = {
    aws         = aws
    aws.replica = aws.replica
  }

  permissions_boundary_arn = module.security.workload_boundary_arn

  prefix               = local.prefix
  region               = var.region
  account_id           = var.account_id
  kms_key_arn          = module.security.log_groups_kms_key_arn
  log_retention_days   = var.log_retention_days
  emails               = var.notifications.emails
  phones               = var.notifications.phones
  load_balancer        = module.compute.target_groups["frontend-blue"].load_balancer
  public_target_groups = { for color in local.colors : color => module.compute.target_groups["frontend-${color}"].target_group }
  target_groups        = module.compute.target_groups
  error_rate_percent   = var.alarms.error_rate_percent
  latency_p95_ms       = var.alarms.latency_p95_ms
  thresholds           = var.alarms

  # The local cloud publishes every second. Ten is the shortest period that an alarm may have.
  period_s = local.local_cloud ? 10 : var.alarms.period_s

  cluster = module.compute.cluster
  services = local.local_cloud ? {} : merge([for name, service in module.compute.services : {
    for color in local.colors : "${name}-${color}" => service.colors[color].service
  }]...)
  database = local.local_cloud ? null : {
    identifier     = local.database_identifier
    instance_class = var.database.instance_class
    storage_gb     = var.database.allocated_storage_gb
  }
  cache         = local.local_cloud ? null : { group = local.cache_group, nodes = var.cache.nodes }
  backup_vault  = module.database.backup_vault
  replication   = module.storage.replication
  second_region = one(local.second_region)
  anomalies     = !local.local_cloud
  grafana       = local.grafana ? { region = var.replica_region, groups = var.grafana.groups } : null
}
