# Under which names the environment is found, and the certificates for them. Without `dns` both are somebody else's, and so
# they are on the local cloud, which is found under names of its own.
locals {
  dns = var.dns != null && !local.local_cloud
}

module "dns" {
  source = "./modules/dns"
  count  = local.dns ? 1 : 0

  providers = {
    aws         = aws
    aws.edge    = aws.edge
    aws.replica = aws.replica
  }

  prefix                 = local.prefix
  domain                 = var.domain
  zone                   = var.dns.zone
  create_zone            = var.dns.create_zone
  health_check           = var.dns.health_check
  region                 = var.region
  replica_region         = var.replica_region
  replicate              = local.replicate
  cdn                    = local.cdn
  distribution           = local.cdn ? module.cdn[0].address : null
  origin_name            = local.origin_name
  load_balancer_dns_name = module.compute.load_balancers.public.dns_name
  failover_dns_name      = var.cdn.failover_dns_name
}

# Where DNS is not ours the certificate is issued (and renewed) in ACM under the environment's domain before the first apply.
data "aws_acm_certificate" "this" {
  count = local.local_cloud || local.dns ? 0 : 1

  domain      = var.domain
  statuses    = ["ISSUED"]
  most_recent = true
}
