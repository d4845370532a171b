# Who is found under which name: behind CloudFront with and without a second region, and without CloudFront.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_route53_zone" {
    defaults = { zone_id = "Z0FOUND" }
  }
  mock_resource "aws_route53_zone" {
    defaults = { zone_id = "Z0MADE", name_servers = ["ns-1.example", "ns-2.example"] }
  }
  mock_resource "aws_acm_certificate" {
    defaults = {
      arn = "arn:aws:acm:ap-south-1:123456789012:certificate/1"
      domain_validation_options = [
        { domain_name = "www.indivillage.com", resource_record_name = "_1.www.indivillage.com", resource_record_type = "CNAME", resource_record_value = "_1.acm.example" },
        { domain_name = "origin.www.indivillage.com", resource_record_name = "_2.origin.www.indivillage.com", resource_record_type = "CNAME", resource_record_value = "_2.acm.example" },
      ]
    }
  }
  mock_resource "aws_route53_health_check" {
    defaults = { id = "check" }
  }
}

override_data {
  target = data.aws_lb_hosted_zone_id.home
  values = { id = "ZHOME" }
}

override_data {
  target = data.aws_lb_hosted_zone_id.replica
  values = { id = "ZREPLICA" }
}

mock_provider "aws" {
  alias           = "edge"
  override_during = plan

  mock_resource "aws_acm_certificate" {
    defaults = { arn = "arn:aws:acm:us-east-1:123456789012:certificate/1" }
  }
}

mock_provider "aws" {
  alias           = "replica"
  override_during = plan

  mock_resource "aws_acm_certificate" {
    defaults = { arn = "arn:aws:acm:ap-southeast-1:123456789012:certificate/1" }
  }
}

variables {
  prefix                 = "indivillage-test"
  domain                 = "www.indivillage.com"
  zone                   = "indivillage.com"
  create_zone            = false
  health_check           = true
  region                 = "ap-south-1"
  replica_region         = "ap-southeast-1"
  replicate              = true
  cdn                    = true
  distribution           = { dns_name = "d1.cloudfront.net", hosted_zone_id = "Z2FDTNDATAQYW2" }
  origin_name            = "origin.www.indivillage.com"
  load_balancer_dns_name = "a.ap-south-1.elb.amazonaws.com"
}

run "behind_cloudfront" {
  command = plan

  assert {
    condition = { for type, record in aws_route53_record.visitors : type => [record.name, record.zone_id, record.alias[0].name, record.alias[0].zone_id, tostring(record.alias[0].evaluate_target_health)] } == {
      for type in ["A", "AAAA"] : type => ["www.indivillage.com", "Z0FOUND", "d1.cloudfront.net", "Z2FDTNDATAQYW2", "false"]
    }
    error_message = "visitors must find CloudFront, over IPv6 too"
  }

  assert {
    condition     = { for role, record in aws_route53_record.origin : role => [record.name, record.type, record.alias[0].name, record.alias[0].zone_id] } == { primary = ["origin.www.indivillage.com", "A", "a.ap-south-1.elb.amazonaws.com", "ZHOME"] }
    error_message = "CloudFront and release tests must find the load balancer"
  }

  assert {
    condition     = alltrue([for record in values(aws_route53_record.origin) : length(record.failover_routing_policy) == 0 && record.set_identifier == null && record.health_check_id == null]) && output.switch_id == null
    error_message = "one load balancer has nobody to fail over to"
  }

  assert {
    condition     = [for check in aws_route53_health_check.visitors : [check.type, check.fqdn, tostring(check.port), tostring(check.enable_sni), check.resource_path]] == [["HTTPS", "www.indivillage.com", "443", "true", "/"]] && output.health_check_id == "check"
    error_message = "somebody must ask as visitors do"
  }

  assert {
    condition     = length(aws_route53_zone.this) == 0 && output.name_servers == null
    error_message = "a zone that is there must not be made again"
  }

  # Certificates.
  assert {
    condition     = aws_acm_certificate.home.subject_alternative_names == toset(["origin.www.indivillage.com"]) && aws_acm_certificate.home.domain_name == "www.indivillage.com" && one(aws_acm_certificate.replica[*].subject_alternative_names) == toset(["origin.www.indivillage.com"])
    error_message = "a load balancer must be known by both names, in both regions"
  }

  assert {
    condition     = alltrue([for certificate in concat([aws_acm_certificate.home], aws_acm_certificate.edge, aws_acm_certificate.replica) : certificate.validation_method == "DNS"])
    error_message = "certificates must renew themselves"
  }

  assert {
    condition = { for name, record in aws_route53_record.proof : name => [record.name, record.type, one(record.records)] } == {
      "www.indivillage.com"        = ["_1.www.indivillage.com", "CNAME", "_1.acm.example"]
      "origin.www.indivillage.com" = ["_2.origin.www.indivillage.com", "CNAME", "_2.acm.example"]
    }
    error_message = "each name must have its proof"
  }

  assert {
    condition     = output.certificate_arn == "arn:aws:acm:ap-south-1:123456789012:certificate/1" && output.edge_certificate_arn == "arn:aws:acm:us-east-1:123456789012:certificate/1" && one(aws_acm_certificate_validation.replica[*].certificate_arn) == "arn:aws:acm:ap-southeast-1:123456789012:certificate/1"
    error_message = "each certificate must be waited for, and be of its region"
  }
}

run "two_load_balancers" {
  command = plan

  variables {
    failover_dns_name = "b.ap-southeast-1.elb.amazonaws.com"
  }

  assert {
    condition = { for role, record in aws_route53_record.origin : role => [record.alias[0].name, record.alias[0].zone_id, one(record.failover_routing_policy[*].type), record.set_identifier, tostring(record.alias[0].evaluate_target_health)] } == {
      primary   = ["a.ap-south-1.elb.amazonaws.com", "ZHOME", "PRIMARY", "primary", "true"]
      secondary = ["b.ap-southeast-1.elb.amazonaws.com", "ZREPLICA", "SECONDARY", "secondary", "true"]
    }
    error_message = "CloudFront must find the second region when the first has no healthy target"
  }

  assert {
    condition     = aws_route53_record.origin["primary"].health_check_id == "check" && aws_route53_record.origin["secondary"].health_check_id == null && one(aws_route53_health_check.first_region[*].disabled) && output.switch_id == "check"
    error_message = "somebody must be able to keep visitors away from a first region that comes back"
  }

  assert {
    condition     = [for record in values(aws_route53_record.visitors) : length(record.failover_routing_policy)] == [0, 0]
    error_message = "CloudFront is everywhere: there is nothing to fail over to"
  }
}

run "without_cloudfront" {
  command = plan

  variables {
    cdn               = false
    distribution      = null
    failover_dns_name = "b.ap-southeast-1.elb.amazonaws.com"
    create_zone       = true
    health_check      = false
    replicate         = false
  }

  assert {
    condition     = { for type, record in aws_route53_record.visitors : type => [record.zone_id, record.alias[0].name, record.alias[0].zone_id, tostring(record.alias[0].evaluate_target_health)] } == { A = ["Z0MADE", "a.ap-south-1.elb.amazonaws.com", "ZHOME", "true"] }
    error_message = "visitors must find the load balancer, in the zone that is made here"
  }

  assert {
    condition     = length(aws_route53_record.origin) + length(aws_acm_certificate.edge) + length(aws_acm_certificate.replica) + length(aws_route53_health_check.visitors) + length(aws_route53_health_check.first_region) == 0 && keys(aws_route53_record.proof) == ["www.indivillage.com"] && output.origin_name == null && output.edge_certificate_arn == null
    error_message = "nothing may be made for an edge and a region that are not there"
  }

  assert {
    condition     = output.name_servers == tolist(["ns-1.example", "ns-2.example"]) && one(aws_route53_zone.this[*].force_destroy) == false && length(data.aws_route53_zone.this) == 0
    error_message = "the registrar must be told the zone's name servers, and no zone may go with records in it"
  }
}

run "refuses_a_domain_of_another_zone" {
  command = plan

  variables {
    zone = "example.com"
  }

  expect_failures = [var.domain]
}
