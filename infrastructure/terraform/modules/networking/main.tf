# The VPC over several zones: public, private and data subnets, NAT, routes, endpoints for AWS's APIs, flow logs, and the
# security groups that say who may talk to whom.

locals {
  zones = { for index, letter in slice(["a", "b", "c"], 0, var.zones) : letter => {
    name    = "${var.region}${letter}"
    public  = cidrsubnet(var.cidr, 4, index)
    private = cidrsubnet(var.cidr, 4, index + 4)
    data    = cidrsubnet(var.cidr, 4, index + 8)
  } }

  nat_zones = {
    none     = toset([])
    single   = toset(["a"])
    per_zone = toset(keys(local.zones))
  }[var.nat]
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.prefix }
}

# The group that AWS puts things into when nobody names one: it lets nothing in and nothing out.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.prefix}-default-closed" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = var.prefix }
}

# No subnet hands out public addresses by itself; the load balancer and the NAT gateway bring their own.
resource "aws_subnet" "public" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  cidr_block        = each.value.public
  availability_zone = each.value.name
  tags              = { Name = "${var.prefix}-public-${each.key}" }
}

resource "aws_subnet" "private" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  cidr_block        = each.value.private
  availability_zone = each.value.name
  tags              = { Name = "${var.prefix}-private-${each.key}" }
}

resource "aws_subnet" "data" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  cidr_block        = each.value.data
  availability_zone = each.value.name
  tags              = { Name = "${var.prefix}-data-${each.key}" }
}

resource "aws_flow_log" "this" {
  count = var.flow_logs == null ? 0 : 1

  vpc_id                   = aws_vpc.this.id
  traffic_type             = "ALL"
  log_destination_type     = "s3"
  log_destination          = "${var.flow_logs.bucket_arn}/vpc/"
  max_aggregation_interval = 600
  tags                     = { Name = var.prefix }
}
