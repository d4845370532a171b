# Who may talk to whom. Groups name each other, so a task may change its address but never its neighbours;
# the only rule that names the internet is the public load balancer's door, and behind CloudFront there is none. AWS's own APIs are reached through endpoints
# inside the VPC; where there are none (the local cloud) tasks may go out on port 443.
locals {
  callers = toset(["frontend", "backend", "reconciler"])

  groups = merge({
    public-alb   = "Public load balancer: visitors in, frontend out"
    frontend     = "Frontend tasks: from the public load balancer, to the internal one"
    internal-alb = "Internal load balancer: frontend in, backend out"
    backend      = "Backend tasks: from the internal load balancer, to database and cache"
    database     = "PostgreSQL: backend only"
    cache        = "Redis: backend only"
    reconciler   = "Scheduled reconciler: nothing in, AWS APIs out"
    }, var.file_system ? { file-system = "Shared file system: backend only" } : {},
    length(var.endpoints) > 0 ? { endpoints = "AWS APIs inside the VPC: tasks only" } : {},
  )

  # from -> to on port; each line becomes an egress rule of one group and an ingress rule of the other.
  flows = merge({
    public-alb-to-frontend         = { from = "public-alb", to = "frontend", port = var.container_port.frontend }
    frontend-to-internal-alb-blue  = { from = "frontend", to = "internal-alb", port = var.internal_ports.blue }
    frontend-to-internal-alb-green = { from = "frontend", to = "internal-alb", port = var.internal_ports.green }
    internal-alb-to-backend        = { from = "internal-alb", to = "backend", port = var.container_port.backend }
    backend-to-database            = { from = "backend", to = "database", port = var.database_port }
    backend-to-cache               = { from = "backend", to = "cache", port = 6379 }
    }, var.file_system ? { backend-to-file-system = { from = "backend", to = "file-system", port = 2049 } } : {},
    { for role in local.callers : "${role}-to-endpoints" => { from = role, to = "endpoints", port = 443 } if length(var.endpoints) > 0 },
  )
}

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:other modules attach them, by the output security_groups

  for_each = local.groups

  name        = "${var.prefix}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.prefix}-${each.key}" }
}

resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.key
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.key
}

resource "aws_vpc_security_group_ingress_rule" "visitors" {
  for_each = { for port in var.public_ports : tostring(port) => port if !var.cloudfront_only }

  security_group_id = aws_security_group.this["public-alb"].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
  description       = "visitors on port ${each.key}"
}

# AWS keeps the list of the addresses from which CloudFront asks. It counts as 55 of the 60 rules that a group may have
# by default: there is room for one port of it.
data "aws_ec2_managed_prefix_list" "cloudfront" {
  count = var.cloudfront_only ? 1 : 0

  name = "com.amazonaws.global.cloudfront.origin-facing"
}

resource "aws_vpc_security_group_ingress_rule" "cloudfront" {
  count = var.cloudfront_only ? 1 : 0

  security_group_id = aws_security_group.this["public-alb"].id
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront[0].id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  description       = "visitors by way of CloudFront"
}

resource "aws_vpc_security_group_ingress_rule" "test" {
  for_each = var.test_cidrs

  security_group_id = aws_security_group.this["public-alb"].id
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = var.test_port
  to_port           = var.test_port
  description       = "release tests of the idle color"
}

# S3 (image layers, forms, uploads) has no address inside the VPC: the rule names AWS's own list of its addresses.
resource "aws_vpc_security_group_egress_rule" "s3" {
  for_each = length(var.endpoints) > 0 ? local.callers : toset([])

  security_group_id = aws_security_group.this[each.value].id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  description       = "S3 over TLS"
}

# Without endpoints: AWS's APIs over TLS, and nothing else outside the VPC.
resource "aws_vpc_security_group_egress_rule" "aws_apis" {
  for_each = length(var.endpoints) > 0 ? toset([]) : local.callers

  security_group_id = aws_security_group.this[each.value].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  description       = "AWS APIs over TLS"
}

# GuardDuty's sensor beside each task reports to an endpoint that GuardDuty makes in the VPC, with a group that has no name
# before: https://docs.aws.amazon.com/guardduty/latest/ug/how-runtime-monitoring-works-ecs-fargate.html
resource "aws_vpc_security_group_egress_rule" "sensor" {
  for_each = length(var.endpoints) > 0 ? local.callers : toset([])

  security_group_id = aws_security_group.this[each.value].id
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  description       = "GuardDuty sensor over TLS"
}
