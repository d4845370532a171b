# Under which names an environment is found. Visitors' name is an alias of CloudFront, which is everywhere: it has nothing
# to fail over to. What fails over is the name by which CloudFront asks for the load balancer. docs/adr/0012-second-region.md
# says why.
locals {
  zone_id = var.create_zone ? aws_route53_zone.this[0].zone_id : data.aws_route53_zone.this[0].zone_id

  pair = var.cdn && var.failover_dns_name != null

  balancers = merge(
    var.cdn ? { primary = { dns_name = var.load_balancer_dns_name, zone_id = data.aws_lb_hosted_zone_id.home.id } } : {},
    local.pair ? { secondary = { dns_name = var.failover_dns_name, zone_id = data.aws_lb_hosted_zone_id.replica.id } } : {},
  )
}

data "aws_route53_zone" "this" {
  count = var.create_zone ? 0 : 1

  name         = var.zone
  private_zone = false
}

# Its name servers have to be told to whoever the domain is registered with. It never goes with records in it.
resource "aws_route53_zone" "this" {
  #checkov:skip=CKV2_AWS_38:signing takes a record at the registrar; made in a hurry it takes the whole domain off the net
  #checkov:skip=CKV2_AWS_39:names here are public, and who asks for them are other people's resolvers

  count = var.create_zone ? 1 : 0

  name          = var.zone
  comment       = "Made by ${var.prefix}"
  force_destroy = false
}

# What AWS publishes for its load balancers: no call, a list by region.
data "aws_lb_hosted_zone_id" "home" {
  region = var.region
}

data "aws_lb_hosted_zone_id" "replica" {
  region = var.replica_region
}

# CloudFront answers over IPv6, too; our load balancers do not.
resource "aws_route53_record" "visitors" {
  for_each = toset(var.cdn ? ["A", "AAAA"] : ["A"])

  zone_id = local.zone_id
  name    = var.domain
  type    = each.key

  alias {
    name                   = var.cdn ? var.distribution.dns_name : var.load_balancer_dns_name
    zone_id                = var.cdn ? var.distribution.hosted_zone_id : data.aws_lb_hosted_zone_id.home.id
    evaluate_target_health = !var.cdn # Route 53 takes no other value for CloudFront
  }
}

# With a second region's load balancer there are two of these: Route 53 gives the first as long as it has healthy targets
# and the switch below lets it. Without, there is one, and it is given whatever happens.
resource "aws_route53_record" "origin" {
  #checkov:skip=CKV2_AWS_23:an alias of a load balancer that is handed in by name, which checkov does not follow

  for_each = local.balancers

  zone_id         = local.zone_id
  name            = var.origin_name
  type            = "A"
  set_identifier  = local.pair ? each.key : null
  health_check_id = local.pair && each.key == "primary" ? aws_route53_health_check.first_region[0].id : null

  dynamic "failover_routing_policy" {
    for_each = local.pair ? [upper(each.key)] : []
    content {
      type = failover_routing_policy.value
    }
  }

  alias {
    name                   = each.value.dns_name
    zone_id                = each.value.zone_id
    evaluate_target_health = true
  }
}

# A switch, not a probe. Whoever restores the database in the second region turns it, so that a first region that comes back
# gets no visitor: two databases would be written to. A disabled check counts as healthy, a disabled and inverted one as
# not: https://docs.aws.amazon.com/Route53/latest/APIReference/API_UpdateHealthCheck.html
resource "aws_route53_health_check" "first_region" {
  count = local.pair ? 1 : 0

  type              = "TCP"
  fqdn              = var.load_balancer_dns_name
  port              = 443
  request_interval  = 30
  failure_threshold = 3
  disabled          = true
  tags              = { Name = "${var.prefix}-first-region" }

  lifecycle {
    ignore_changes = [invert_healthcheck]
  }
}

# What a visitor would see, asked from several parts of the world: the only check that notices when a whole region is gone.
# Its metric (AWS/Route53 HealthCheckStatus) is kept in us-east-1.
resource "aws_route53_health_check" "visitors" {
  count = var.health_check ? 1 : 0

  type              = "HTTPS"
  fqdn              = var.domain
  port              = 443
  resource_path     = "/"
  enable_sni        = true
  request_interval  = 30
  failure_threshold = 3
  tags              = { Name = "${var.prefix}-visitors" }

  depends_on = [aws_route53_record.visitors]
}
