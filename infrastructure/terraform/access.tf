# Who may do what, with which keys and secrets, and who watches. The local cloud asks nobody who he is.
locals {
  # What an account has once, by choice of the environment that owns it.
  account = local.local_cloud || !var.owns_account ? null : var.account
  config  = try(local.account.config, false)
}

module "security" {
  source = "./modules/security"

  prefix               = local.prefix
  short_name           = var.short_name
  environment          = var.name
  account_id           = var.account_id
  region               = var.region
  replica_region       = var.replica_region
  domain               = var.domain
  state_bucket         = local.state_bucket
  basic_auth           = var.access.basic_auth
  recovery_window_days = local.recovery_window_days

  origin_secret_generations = local.cdn ? var.cdn.origin_secret_generations : null

  people = local.local_cloud ? null : { roles = var.access.roles, admin_mfa = var.access.admin_mfa }
  ci     = local.local_cloud ? null : { repository = var.repository, branch = var.branch, environment = var.name }

  config_bucket = module.storage.log_delivery.name
  account = local.account == null ? null : {
    guardduty = local.account.guardduty
    config    = local.account.config
    inspector = local.account.inspector
    emails    = toset(var.notifications.emails)
  }
}
