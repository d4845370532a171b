# Two zones, one NAT gateway, one door: what development asks for, and what every other choice makes of it.
mock_provider "aws" {}

variables {
  prefix         = "indivillage-test"
  region         = "ap-south-1"
  cidr           = "10.20.0.0/16"
  zones          = 2
  nat            = "single"
  test_cidrs     = []
  flow_logs      = null
  container_port = { frontend = 8080, backend = 8080 }
  public_ports   = [80]
  test_port      = 9000
  database_port  = 5433
  internal_ports = { blue = 8081, green = 8082 }
}

run "development" {
  assert {
    condition     = length(aws_subnet.public) == 2 && length(aws_subnet.private) == 2 && length(aws_subnet.data) == 2
    error_message = "there must be a public, a private and a data subnet in each of two zones"
  }

  assert {
    condition = length(distinct([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private), values(aws_subnet.data)) :
    subnet.cidr_block])) == 6
    error_message = "subnets must not overlap"
  }

  assert {
    condition     = toset([for subnet in values(aws_subnet.private) : subnet.availability_zone]) == toset(["ap-south-1a", "ap-south-1b"])
    error_message = "private subnets must stand in different zones"
  }

  assert {
    condition = alltrue([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private), values(aws_subnet.data)) :
    subnet.map_public_ip_on_launch != true])
    error_message = "no subnet may hand out public addresses by itself"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.nat) == 2
    error_message = "one NAT gateway must serve both private subnets"
  }

  assert {
    condition     = length(aws_vpc_endpoint.this) == 0 && length(aws_vpc_security_group_egress_rule.s3) == 0 && toset(keys(aws_vpc_security_group_egress_rule.aws_apis)) == toset(["frontend", "backend", "reconciler"])
    error_message = "without endpoints tasks go out by NAT"
  }

  assert {
    condition     = length(aws_flow_log.this) == 0
    error_message = "without a bucket there are no flow logs"
  }

  assert {
    condition     = alltrue([for route in values(aws_route.nat) : route.destination_cidr_block == "0.0.0.0/0"])
    error_message = "private subnets reach the internet by NAT"
  }

  # Only the public load balancer is open.
  assert {
    condition = alltrue([for rule in concat(
      values(aws_vpc_security_group_ingress_rule.visitors),
      values(aws_vpc_security_group_ingress_rule.flow),
      values(aws_vpc_security_group_ingress_rule.test),
    ) : rule.cidr_ipv4 != "0.0.0.0/0" || rule.security_group_id == aws_security_group.this["public-alb"].id])
    error_message = "only the public load balancer may let the internet in"
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_ingress_rule.visitors)) == toset(["80"])
    error_message = "visitors may use port 80 and no other"
  }

  assert {
    condition     = alltrue([for rule in values(aws_vpc_security_group_ingress_rule.flow) : rule.cidr_ipv4 == null && rule.referenced_security_group_id != null])
    error_message = "groups must name each other, not addresses"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.test) == 0
    error_message = "the test listener is closed until somebody is named"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.flow["backend-to-database"].from_port == 5433 && aws_vpc_security_group_ingress_rule.flow["backend-to-database"].referenced_security_group_id == aws_security_group.this["backend"].id
    error_message = "the database must be open to the backend on its own port"
  }

  assert {
    condition     = length([for flow in values(local.flows) : flow if contains(["database", "cache"], flow.to) && flow.from != "backend"]) == 0
    error_message = "nobody but the backend may reach the database and the cache"
  }

  assert {
    condition     = alltrue([for rule in values(aws_vpc_security_group_egress_rule.aws_apis) : rule.from_port == 443 && rule.to_port == 443])
    error_message = "the only way out of the VPC is TLS"
  }
}

run "behind_cloudfront" {
  command = plan

  variables {
    public_ports    = [80, 443]
    cloudfront_only = true
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.visitors) == 0
    error_message = "behind CloudFront nobody else may reach the load balancer"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.cloudfront[0].from_port == 443 && aws_vpc_security_group_ingress_rule.cloudfront[0].to_port == 443 && aws_vpc_security_group_ingress_rule.cloudfront[0].cidr_ipv4 == null && data.aws_ec2_managed_prefix_list.cloudfront[0].name == "com.amazonaws.global.cloudfront.origin-facing"
    error_message = "CloudFront's addresses must reach it over TLS"
  }
}

run "https_and_testers" {
  command = plan

  variables {
    public_ports = [80, 443]
    test_cidrs   = ["203.0.113.0/24"]
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.visitors) == 2 && length(aws_vpc_security_group_ingress_rule.cloudfront) == 0
    error_message = "visitors must reach both ports"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.test["203.0.113.0/24"].from_port == 9000
    error_message = "testers must reach the test listener"
  }
}

run "nat_in_every_zone" {
  variables {
    zones = 3
    nat   = "per_zone"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && aws_route.nat["c"].nat_gateway_id == aws_nat_gateway.this["c"].id
    error_message = "each zone must leave by its own NAT gateway"
  }
}

run "no_nat" {
  command = plan

  variables {
    nat = "none"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_route.nat) == 0 && length(aws_eip.nat) == 0
    error_message = "without NAT there must be no gateway, no address and no route"
  }
}

run "flow_logs" {
  command = plan

  variables {
    flow_logs = { bucket_arn = "arn:aws:s3:::logs" }
  }

  assert {
    condition     = aws_flow_log.this[0].log_destination == "arn:aws:s3:::logs/vpc/" && aws_flow_log.this[0].traffic_type == "ALL"
    error_message = "all traffic must be logged below vpc/"
  }
}

run "endpoints" {
  variables {
    endpoints = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
  }

  assert {
    condition     = toset([for endpoint in values(aws_vpc_endpoint.this) : endpoint.service_name]) == toset([for name in ["ecr.api", "ecr.dkr", "logs", "secretsmanager"] : "com.amazonaws.ap-south-1.${name}"])
    error_message = "every service that was named must have its endpoint"
  }

  assert {
    condition     = alltrue([for endpoint in values(aws_vpc_endpoint.this) : endpoint.vpc_endpoint_type == "Interface" && endpoint.private_dns_enabled && endpoint.security_group_ids == toset([aws_security_group.this["endpoints"].id])])
    error_message = "endpoints must answer under the services' own names, behind a group of their own"
  }

  assert {
    condition     = alltrue([for endpoint in values(aws_vpc_endpoint.this) : endpoint.subnet_ids == toset([aws_subnet.private["a"].id])])
    error_message = "with one NAT gateway endpoints stand in its zone"
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.aws_apis) == 0 && alltrue([for rule in values(aws_vpc_security_group_egress_rule.flow) : rule.cidr_ipv4 == null])
    error_message = "with endpoints nobody may reach the internet"
  }

  assert {
    condition     = alltrue([for rule in values(aws_vpc_security_group_egress_rule.s3) : rule.prefix_list_id == aws_vpc_endpoint.s3.prefix_list_id && rule.from_port == 443]) && length(aws_vpc_security_group_egress_rule.s3) == 3
    error_message = "tasks must reach S3, over TLS"
  }

  assert {
    condition     = toset(keys(aws_vpc_security_group_egress_rule.sensor)) == toset(["frontend", "backend", "reconciler"]) && alltrue([for rule in values(aws_vpc_security_group_egress_rule.sensor) : rule.cidr_ipv4 == var.cidr && rule.from_port == 443 && rule.to_port == 443])
    error_message = "GuardDuty's sensors must reach the endpoint that GuardDuty makes, and nothing outside the VPC"
  }

  assert {
    condition     = toset([for flow in values(local.flows) : flow.from if flow.to == "endpoints" && flow.port == 443]) == toset(["frontend", "backend", "reconciler"])
    error_message = "every task, and nobody else, must reach the endpoints"
  }
}

run "endpoints_in_every_zone" {
  variables {
    nat       = "per_zone"
    endpoints = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
  }

  assert {
    condition     = alltrue([for endpoint in values(aws_vpc_endpoint.this) : endpoint.subnet_ids == toset([for subnet in values(aws_subnet.private) : subnet.id])])
    error_message = "a zone must not depend on another one's endpoints"
  }
}

run "refuses_endpoints_with_which_no_task_starts" {
  command = plan
  variables {
    endpoints = ["logs"]
  }
  expect_failures = [var.endpoints]
}

run "file_system" {
  variables {
    file_system = true
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.flow["backend-to-file-system"].from_port == 2049 && aws_vpc_security_group_ingress_rule.flow["backend-to-file-system"].referenced_security_group_id == aws_security_group.this["backend"].id
    error_message = "a shared file system must be open to the backend only"
  }
}

run "refuses_one_zone" {
  command = plan
  variables {
    zones = 1
  }
  expect_failures = [var.zones]
}

run "refuses_unknown_nat" {
  command = plan
  variables {
    nat = "double"
  }
  expect_failures = [var.nat]
}

run "refuses_a_range_too_small" {
  command = plan
  variables {
    cidr = "10.0.0.0/24"
  }
  expect_failures = [var.cidr]
}

run "refuses_the_internet_as_tester" {
  command = plan
  variables {
    test_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.test_cidrs]
}

run "refuses_a_range_too_large_and_a_name_as_tester" {
  command = plan
  variables {
    cidr       = "10.0.0.0/8"
    test_cidrs = ["office.example"]
  }
  expect_failures = [var.cidr, var.test_cidrs]
}

run "refuses_half_an_address_and_six_testers" {
  command = plan
  variables {
    cidr       = "10.20/16"
    test_cidrs = [for number in range(6) : "203.0.113.${number}/32"]
  }
  expect_failures = [var.cidr, var.test_cidrs]
}
