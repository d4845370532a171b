# What visitors, the edge and the load balancer agree on; one region and two; open and closed origin. Few runs with many
# assertions: each plan takes seconds, each assertion nothing.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = {
      id                          = "indivillage-test-cdn-123456789012"
      arn                         = "arn:aws:s3:::indivillage-test-cdn-123456789012"
      bucket_regional_domain_name = "indivillage-test-cdn-123456789012.s3.ap-south-1.amazonaws.com"
    }
  }
  mock_resource "aws_cloudfront_distribution" {
    defaults = {
      arn         = "arn:aws:cloudfront::123456789012:distribution/E1"
      domain_name = "d1.cloudfront.net"
    }
  }
  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:ap-south-1:123456789012:regional/webacl/a/1" }
  }
  mock_resource "aws_cloudfront_response_headers_policy" {
    defaults = { id = "headers" }
  }
  mock_resource "aws_cloudfront_origin_access_control" {
    defaults = { id = "signing" }
  }
  mock_resource "aws_wafv2_ip_set" {
    defaults = { arn = "arn:aws:wafv2:ap-south-1:123456789012:regional/ipset/a/1" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-south-1:123456789012:log-group:aws-waf-logs-a" }
  }
}

mock_provider "aws" {
  alias           = "edge"
  override_during = plan

  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/1" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:us-east-1:123456789012:key/1" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:aws-waf-logs-a" }
  }
  mock_resource "aws_cloudwatch_log_delivery_destination" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:delivery-destination:a" }
  }
}

mock_provider "aws" {
  alias           = "replica"
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = {
      id                          = "indivillage-test-cdn-replica-123456789012"
      arn                         = "arn:aws:s3:::indivillage-test-cdn-replica-123456789012"
      bucket_regional_domain_name = "indivillage-test-cdn-replica-123456789012.s3.ap-southeast-1.amazonaws.com"
    }
  }
}

variables {
  prefix                 = "indivillage-test"
  account_id             = "123456789012"
  domain                 = "test.indivillage.com"
  certificate_arn        = "arn:aws:acm:us-east-1:123456789012:certificate/1"
  load_balancer          = { arn = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:loadbalancer/app/a/1" }
  origin_name            = "origin.test.indivillage.com"
  second_region          = false
  test_cidrs             = ["203.0.113.7/32"]
  rate_limit             = 2000
  logs_bucket            = { name = "logs", arn = "arn:aws:s3:::logs" }
  log_groups_kms_key_arn = "arn:aws:kms:ap-south-1:123456789012:key/1"
  retention_days         = 30
  origin_secrets         = { blue = "blue-value", green = "green-value" }
}

run "one_region" {
  command = plan

  # Visitors: TLS, names, headers.
  assert {
    condition     = aws_cloudfront_distribution.this.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" && aws_cloudfront_distribution.this.viewer_certificate[0].ssl_support_method == "sni-only" && aws_cloudfront_distribution.this.viewer_certificate[0].acm_certificate_arn == var.certificate_arn
    error_message = "visitors must get our certificate, by SNI, with TLS 1.2 or later"
  }

  assert {
    condition = alltrue([for behavior in concat(aws_cloudfront_distribution.this.default_cache_behavior, aws_cloudfront_distribution.this.ordered_cache_behavior) :
    contains(["redirect-to-https", "https-only"], behavior.viewer_protocol_policy) && behavior.response_headers_policy_id == aws_cloudfront_response_headers_policy.this.id])
    error_message = "nothing may be had by plain HTTP, or without the security headers"
  }

  assert {
    condition     = aws_cloudfront_distribution.this.default_root_object == "index.html" && aws_cloudfront_distribution.this.aliases == toset(["test.indivillage.com"])
    error_message = "the root must have its object, the distribution its name"
  }

  assert {
    condition     = aws_cloudfront_distribution.this.web_acl_id == aws_wafv2_web_acl.edge.arn
    error_message = "the firewall must stand before everything"
  }

  assert {
    condition = alltrue([
      aws_cloudfront_response_headers_policy.this.security_headers_config[0].strict_transport_security[0].access_control_max_age_sec >= 31536000,
      aws_cloudfront_response_headers_policy.this.security_headers_config[0].content_type_options[0].override,
      aws_cloudfront_response_headers_policy.this.security_headers_config[0].frame_options[0].frame_option == "DENY",
      aws_cloudfront_response_headers_policy.this.security_headers_config[0].content_security_policy[0].override == false,
    ])
    error_message = "what the application does not say must be said strictly, and its own policy stand"
  }

  # What is kept at the edge, and what never is.
  assert {
    condition     = { for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : behavior.path_pattern => behavior.cache_policy_id == local.caching_optimized } == { "/api/*" = false, "/assets/*" = true, "/_cdn/*" = true }
    error_message = "hashed assets and the error page are kept, the API never"
  }

  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].cache_policy_id == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    error_message = "pages must not be kept: a rollback has to reach everybody at once"
  }

  assert {
    condition = alltrue([for behavior in concat(aws_cloudfront_distribution.this.default_cache_behavior, aws_cloudfront_distribution.this.ordered_cache_behavior) :
    behavior.origin_request_policy_id == local.all_viewer || behavior.target_origin_id == "unavailable"])
    error_message = "the load balancer must be asked under the visitor's host name, with his password and cookies"
  }

  assert {
    condition     = one([for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : contains(behavior.allowed_methods, "POST") if behavior.path_pattern == "/api/*"]) && !contains(aws_cloudfront_distribution.this.default_cache_behavior[0].allowed_methods, "POST")
    error_message = "only the API takes what is sent"
  }

  assert {
    condition     = alltrue([for response in aws_cloudfront_distribution.this.custom_error_response : response.error_caching_min_ttl == 0])
    error_message = "no error may be kept: the other color may have the answer"
  }

  assert {
    condition     = toset([for response in aws_cloudfront_distribution.this.custom_error_response : response.error_code if response.response_page_path == "/_cdn/unavailable.html"]) == toset([502, 504])
    error_message = "who gets no answer must get the page, and the backend's own 503 must pass"
  }

  # Nobody but this distribution is answered.
  assert {
    condition = alltrue([for origin in aws_cloudfront_distribution.this.origin : origin.custom_origin_config[0].origin_protocol_policy == "https-only" && origin.custom_origin_config[0].origin_ssl_protocols == toset(["TLSv1.2"])
    if length(origin.custom_origin_config) > 0])
    error_message = "the load balancer must be asked over TLS 1.2"
  }

  assert {
    condition     = [for origin in aws_cloudfront_distribution.this.origin : [for header in origin.custom_header : nonsensitive(header.value)] if origin.origin_id == "load-balancer"] == [["blue-value"]]
    error_message = "CloudFront must send the blue secret"
  }

  assert {
    condition     = length(aws_wafv2_web_acl.origin.default_action[0].block) == 1 && length(aws_wafv2_web_acl.origin.default_action[0].allow) == 0
    error_message = "the load balancer must refuse what does not come from this distribution"
  }

  assert {
    condition = toset(flatten([for rule in aws_wafv2_web_acl.origin.rule : [for match in rule.statement[0].byte_match_statement : nonsensitive(match.search_string)]])) == toset(["blue-value", "green-value"]) && alltrue(flatten([for rule in aws_wafv2_web_acl.origin.rule :
    [for match in rule.statement[0].byte_match_statement : match.field_to_match[0].single_header[0].name == "x-origin-verify" && match.positional_constraint == "EXACTLY"]]))
    error_message = "either secret must be taken, so that one can be replaced"
  }

  assert {
    condition     = aws_wafv2_ip_set.tests.addresses == toset(["203.0.113.7/32"])
    error_message = "releases must be proven from the named addresses"
  }

  assert {
    condition     = aws_wafv2_web_acl_association.origin.resource_arn == var.load_balancer.arn
    error_message = "the web ACL must stand before the load balancer"
  }

  assert {
    condition     = length(aws_cloudfront_distribution.this.origin_group) == 0 && aws_cloudfront_distribution.this.default_cache_behavior[0].target_origin_id == "load-balancer"
    error_message = "one region has nobody to fail over to"
  }

  # What the web ACLs refuse.
  assert {
    condition     = [for rule in aws_wafv2_web_acl.edge.rule : rule.statement[0].rate_based_statement[0].limit if rule.name == "rate"] == [2000] && [for rule in aws_wafv2_web_acl.edge.rule : length(rule.action[0].block) if rule.name == "rate"] == [1]
    error_message = "who asks too often must be refused"
  }

  assert {
    condition = toset(flatten([for rule in aws_wafv2_web_acl.edge.rule : [for group in rule.statement[0].managed_rule_group_statement : group.name]])) == toset([
      "AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet",
    ]) && alltrue([for rule in aws_wafv2_web_acl.edge.rule : length(rule.override_action[0].none) == 1 if rule.name != "rate"])
    error_message = "AWS's rules must be there, and refuse"
  }

  assert {
    condition = { for rule in aws_wafv2_web_acl.edge.rule : rule.name => flatten([for group in rule.statement[0].managed_rule_group_statement : [
      for override in group.rule_action_override : override.name if length(override.action_to_use[0].count) == 1]]) if rule.name != "rate" } == {
      AWSManagedRulesAmazonIpReputationList = []
      AWSManagedRulesKnownBadInputsRuleSet  = []
      AWSManagedRulesCommonRuleSet          = ["SizeRestrictions_BODY"]
      AWSManagedRulesSQLiRuleSet            = []
    }
    error_message = "only what would refuse forms may be counted and let through"
  }

  assert {
    condition = toset([for rule in aws_wafv2_web_acl.edge.rule : rule.name if length(flatten([
      for group in rule.statement[0].managed_rule_group_statement : group.scope_down_statement
    ])) == 1]) == toset(["AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet"])
    error_message = "only what reads bodies may leave uploads to the backend"
  }

  assert {
    condition     = alltrue([for rule in concat(tolist(aws_wafv2_web_acl.edge.rule), tolist(aws_wafv2_web_acl.origin.rule)) : rule.visibility_config[0].cloudwatch_metrics_enabled])
    error_message = "every rule must be counted"
  }

  assert {
    condition     = aws_wafv2_web_acl.edge.scope == "CLOUDFRONT" && aws_wafv2_web_acl.origin.scope == "REGIONAL"
    error_message = "each web ACL must be of its place"
  }

  assert {
    condition = alltrue([for logging in [aws_wafv2_web_acl_logging_configuration.edge, aws_wafv2_web_acl_logging_configuration.origin] :
    length(setsubtract(["authorization", "cookie"], [for field in logging.redacted_fields : field.single_header[0].name])) == 0])
    error_message = "passwords and sessions must not be logged"
  }

  assert {
    condition     = contains([for field in aws_wafv2_web_acl_logging_configuration.origin.redacted_fields : field.single_header[0].name], "x-origin-verify")
    error_message = "the header that opens the origin must not be logged"
  }

  # Who keeps what.
  assert {
    condition     = aws_cloudwatch_log_delivery_source.this.resource_arn == aws_cloudfront_distribution.this.arn && aws_cloudwatch_log_delivery_source.this.log_type == "ACCESS_LOGS" && aws_cloudwatch_log_delivery_destination.this.delivery_destination_configuration[0].destination_resource_arn == "arn:aws:s3:::logs/cdn"
    error_message = "who asked for what must go where the logs bucket takes it"
  }

  assert {
    condition     = startswith(aws_cloudwatch_log_group.edge.name, "aws-waf-logs-") && aws_cloudwatch_log_group.edge.kms_key_id == aws_kms_key.edge.arn && aws_cloudwatch_log_group.origin.kms_key_id == var.log_groups_kms_key_arn
    error_message = "WAF finds no other log groups; each must be encrypted by a key of its region"
  }

  assert {
    condition     = aws_kms_key.edge.enable_key_rotation && aws_kms_key.edge.deletion_window_in_days == 30
    error_message = "the key must rotate, and be brought back within 30 days"
  }

  # The page for when nobody answers.
  assert {
    condition     = local.read_by_us.Principal == { Service = "cloudfront.amazonaws.com" } && local.read_by_us.Condition == { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.this.arn } } && local.read_by_us.Action == "s3:GetObject"
    error_message = "this distribution alone may read the bucket"
  }

  assert {
    condition     = [for origin in aws_cloudfront_distribution.this.origin : origin.origin_access_control_id if origin.origin_id == "unavailable"] == [aws_cloudfront_origin_access_control.this.id] && aws_cloudfront_origin_access_control.this.signing_behavior == "always"
    error_message = "CloudFront must sign what it reads"
  }

  assert {
    condition     = aws_s3_object.unavailable.key == "_cdn/unavailable.html"
    error_message = "the page must lie where its behavior looks"
  }

  assert {
    condition     = length(module.page_copy) == 0 && length(aws_s3_object.unavailable_copy) == 0 && [for origin in aws_cloudfront_distribution.this.origin : origin.domain_name if length(origin.custom_origin_config) > 0] == ["origin.test.indivillage.com"]
    error_message = "CloudFront must ask by the name that a record can move"
  }
}

run "two_regions_while_the_domain_moves" {
  command = plan

  variables {
    second_region      = true
    failover_dns_name  = "b.ap-southeast-1.elb.amazonaws.com"
    origin_secret_sent = "green"
    restrict_origin    = false
  }

  assert {
    condition     = { for group in aws_cloudfront_distribution.this.origin_group : group.origin_id => [for member in group.member : member.origin_id] } == { either = ["load-balancer", "second-region"], either-page = ["unavailable", "unavailable-second-region"] }
    error_message = "the second region must come second"
  }

  assert {
    condition     = one([for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : behavior.target_origin_id if behavior.path_pattern == "/_cdn/*"]) == "either-page" && one([for group in aws_cloudfront_distribution.this.origin_group : toset(one(group.failover_criteria).status_codes) if group.origin_id == "either-page"]) == toset([403, 404, 500, 502, 503, 504])
    error_message = "the page must come from the second region when the first has none"
  }

  assert {
    condition     = [for origin in aws_cloudfront_distribution.this.origin : [origin.domain_name, origin.origin_access_control_id] if origin.origin_id == "unavailable-second-region"] == [["indivillage-test-cdn-replica-123456789012.s3.ap-southeast-1.amazonaws.com", aws_cloudfront_origin_access_control.this.id]] && aws_s3_object.unavailable_copy[0].key == aws_s3_object.unavailable.key
    error_message = "CloudFront must find the same page there, and sign for it"
  }

  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].target_origin_id == "either" && one([for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : behavior.target_origin_id if behavior.path_pattern == "/api/*"]) == "load-balancer"
    error_message = "what is read fails over; what is sent cannot"
  }

  assert {
    condition     = [for origin in aws_cloudfront_distribution.this.origin : [for header in origin.custom_header : nonsensitive(header.value)] if length(origin.custom_origin_config) > 0] == [["green-value"], ["green-value"]]
    error_message = "CloudFront must send the green secret"
  }

  assert {
    condition     = length(aws_wafv2_web_acl.origin.default_action[0].block) == 0 && length(aws_wafv2_web_acl.origin.default_action[0].allow) == 1
    error_message = "visitors who still come by the old way must be let in"
  }
}

run "refuses_what_cannot_be_meant" {
  command = plan

  variables {
    certificate_arn    = "arn:aws:acm:ap-south-1:123456789012:certificate/1"
    origin_secret_sent = "red"
    rate_limit         = 10
    price_class        = "PriceClass_100"
  }

  expect_failures = [var.certificate_arn, var.origin_secret_sent, var.rate_limit, var.price_class]
}

run "refuses_a_limit_that_limits_nobody" {
  command = plan
  variables {
    rate_limit = 1000000
  }
  expect_failures = [var.rate_limit]
}
