# Two web ACLs. The one at the edge judges visitors. The load balancer's asks one thing only: did this come through this
# distribution? Its address alone cannot tell: other people's distributions have the same ones.
#
# The header's value lies in the state, in the distribution and in the web ACL, which know no write-only arguments. It
# opens nothing but the way around the edge, and only from CloudFront's addresses.
locals {
  origin_header = "x-origin-verify"

  # What each is for: https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
  managed = {
    AWSManagedRulesAmazonIpReputationList = { priority = 1, uploads = true, counted = [] }
    AWSManagedRulesKnownBadInputsRuleSet  = { priority = 2, uploads = true, counted = [] }
    # It refuses bodies over 8 kB, which forms may be; nginx has the limits (128 kB, uploads 51 MB).
    AWSManagedRulesCommonRuleSet = { priority = 3, uploads = false, counted = ["SizeRestrictions_BODY"] }
    AWSManagedRulesSQLiRuleSet   = { priority = 4, uploads = false, counted = [] }
  }
}

resource "aws_wafv2_web_acl" "edge" {
  #checkov:skip=CKV_AWS_192:AWSManagedRulesKnownBadInputsRuleSet is among local.managed; checkov reads no dynamic rules

  provider = aws.edge

  name        = var.prefix
  description = "${var.domain}: what visitors may send"
  scope       = "CLOUDFRONT"

  default_action {
    allow {}
  }

  rule {
    name     = "rate"
    priority = 0

    action {
      block {}
    }

    statement {
      rate_based_statement {
        limit                 = var.rate_limit
        evaluation_window_sec = 300
        aggregate_key_type    = "IP"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.prefix}-rate"
      sampled_requests_enabled   = true
    }
  }

  dynamic "rule" {
    for_each = local.managed
    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key

          dynamic "rule_action_override" {
            for_each = rule.value.counted
            content {
              name = rule_action_override.value
              action_to_use {
                count {}
              }
            }
          }

          # A picture's bytes look like anything. The backend judges uploads by what they are.
          dynamic "scope_down_statement" {
            for_each = rule.value.uploads ? [] : [1]
            content {
              not_statement {
                statement {
                  byte_match_statement {
                    positional_constraint = "EXACTLY"
                    search_string         = "/api/uploads"

                    field_to_match {
                      uri_path {}
                    }

                    text_transformation {
                      priority = 0
                      type     = "NONE"
                    }
                  }
                }
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${var.prefix}-${rule.key}"
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.prefix
    sampled_requests_enabled   = true
  }
}

resource "aws_wafv2_ip_set" "tests" {
  name               = "${var.prefix}-release-tests"
  description        = "Who proves releases through the test listener"
  scope              = "REGIONAL"
  ip_address_version = "IPV4"
  addresses          = var.test_cidrs
}

resource "aws_wafv2_web_acl" "origin" {
  #checkov:skip=CKV_AWS_192:asks one thing only, whether the edge sent it; the edge's own web ACL has looked at the rest

  name        = "${var.prefix}-origin"
  description = "${var.domain}: nothing but what its distribution sends"
  scope       = "REGIONAL"

  default_action {
    dynamic "block" {
      for_each = var.restrict_origin ? [1] : []
      content {}
    }

    dynamic "allow" {
      for_each = var.restrict_origin ? [] : [1]
      content {}
    }
  }

  dynamic "rule" {
    for_each = { blue = 0, green = 1 }
    content {
      name     = "distribution-${rule.key}"
      priority = rule.value

      action {
        allow {}
      }

      statement {
        byte_match_statement {
          positional_constraint = "EXACTLY"
          search_string         = var.origin_secrets[rule.key]

          field_to_match {
            single_header {
              name = local.origin_header
            }
          }

          text_transformation {
            priority = 0
            type     = "NONE"
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${var.prefix}-origin-${rule.key}"
        sampled_requests_enabled   = true
      }
    }
  }

  rule {
    name     = "release-tests"
    priority = 2

    action {
      allow {}
    }

    statement {
      ip_set_reference_statement {
        arn = aws_wafv2_ip_set.tests.arn
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.prefix}-origin-tests"
      sampled_requests_enabled   = true
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = "${var.prefix}-origin"
    sampled_requests_enabled   = true
  }
}

resource "aws_wafv2_web_acl_association" "origin" {
  resource_arn = var.load_balancer.arn
  web_acl_arn  = aws_wafv2_web_acl.origin.arn
}
