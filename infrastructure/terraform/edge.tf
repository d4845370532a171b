# What stands between visitors and the public load balancer. The local cloud has nothing there.
locals {
  cdn        = var.cdn.enabled && !local.local_cloud
  behind_cdn = local.cdn && var.cdn.restrict_origin

  # The load balancer's own name, where the domain is CloudFront's.
  origin_name = "origin.${var.domain}"
}

# CloudFront takes certificates of this region and no other.
data "aws_acm_certificate" "edge" {
  provider = aws.edge
  count    = local.cdn && !local.dns ? 1 : 0

  domain      = var.domain
  statuses    = ["ISSUED"]
  most_recent = true
}

module "cdn" {
  source = "./modules/cdn"
  count  = local.cdn ? 1 : 0

  providers = {
    aws         = aws
    aws.edge    = aws.edge
    aws.replica = aws.replica
  }

  prefix                 = local.prefix
  account_id             = var.account_id
  domain                 = var.domain
  certificate_arn        = local.dns ? module.dns[0].edge_certificate_arn : data.aws_acm_certificate.edge[0].arn
  load_balancer          = module.compute.load_balancers.public
  origin_name            = local.dns ? module.dns[0].origin_name : module.compute.load_balancers.public.dns_name
  second_region          = local.replicate
  failover_dns_name      = var.cdn.failover_dns_name
  restrict_origin        = var.cdn.restrict_origin
  origin_secrets         = module.security.origin_secrets
  origin_secret_sent     = var.cdn.origin_secret_sent
  rate_limit             = var.cdn.rate_limit
  test_cidrs             = var.access.test_cidrs
  logs_bucket            = module.storage.log_delivery
  log_groups_kms_key_arn = module.security.log_groups_kms_key_arn
  retention_days         = var.backups.retention_days
}
