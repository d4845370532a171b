"""CloudFront's and WAF's controls broken, each at least once."""

from __future__ import annotations

from tests.infrastructure.controls.breaks import Break

CDN, FIREWALL, LOGS = "modules/cdn/main.tf", "modules/cdn/firewall.tf", "modules/cdn/logs.tf"

BREAKS = [
    Break("CloudFront.1", CDN, 'default_root_object = "index.html"', 'default_root_object = ""'),
    Break("CloudFront.3", CDN, '"https-only"\n    cache_policy_id', '"allow-all"\n    cache_policy_id'),
    Break("CloudFront.3", CDN, '"redirect-to-https"', '"allow-all"'),
    Break("CloudFront.4", CDN, "        origin_id = local.copy\n", "        origin_id = local.unavailable\n"),
    Break("CloudFront.5", LOGS, '"ACCESS_LOGS"', '"CONNECTION_LOGS"'),
    Break("CloudFront.5", LOGS, 'resource "aws_cloudwatch_log_delivery" "this"', 'resource "aws_sns_topic" "this"'),
    Break("CloudFront.6", CDN, "= aws_wafv2_web_acl.edge.arn", "= null"),
    Break(
        "CloudFront.7", CDN, "acm_certificate_arn      = var.certificate_arn", "cloudfront_default_certificate = true"
    ),
    Break("CloudFront.7", CDN, '"TLSv1.2_2021"', '"TLSv1.1_2016"'),
    Break("CloudFront.8", CDN, '"sni-only"', '"vip"'),
    Break("CloudFront.9", CDN, 'origin_protocol_policy   = "https-only"', 'origin_protocol_policy = "http-only"'),
    Break("CloudFront.10", CDN, '["TLSv1.2"]', '["SSLv3", "TLSv1.2"]'),
    Break("CloudFront.12", CDN, "module.page.domain_names.cdn\n", '"some-bucket.s3.amazonaws.com"\n'),
    Break("CloudFront.13", CDN, "origin_access_control_id = aws", "origin_path = aws"),
    Break("WAF.10", FIREWALL, "", 'resource "aws_wafv2_web_acl" "empty" {\n  name = "empty"\n}\n'),
    Break("WAF.11", LOGS, "= aws_wafv2_web_acl.origin.arn", "= aws_wafv2_web_acl.edge.arn"),
    Break("WAF.12", FIREWALL, "cloudwatch_metrics_enabled = true", "cloudwatch_metrics_enabled = false"),
]
