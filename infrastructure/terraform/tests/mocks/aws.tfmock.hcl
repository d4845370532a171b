# ARNs where the provider checks that something looks like one; everything else may be any text.
mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:ap-south-1:123456789012:key/1" }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::a-bucket" }
}

mock_resource "aws_lb" {
  defaults = {
    arn      = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:loadbalancer/app/a/1"
    dns_name = "balancer.example"
  }
}

mock_resource "aws_lb_target_group" {
  defaults = { arn = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:targetgroup/a/1" }
}

mock_resource "aws_lb_listener" {
  defaults = { arn = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:listener/app/a/1/2" }
}

mock_resource "aws_ecs_cluster" {
  defaults = { arn = "arn:aws:ecs:ap-south-1:123456789012:cluster/a" }
}

mock_resource "aws_ecs_task_definition" {
  defaults = { arn = "arn:aws:ecs:ap-south-1:123456789012:task-definition/a:1" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:ap-south-1:123456789012:log-group:a" }
}

mock_resource "aws_iam_policy" {
  defaults = { arn = "arn:aws:iam::123456789012:policy/a" }
}

mock_resource "aws_iam_service_linked_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/aws-service-role/a" }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = { arn = "arn:aws:events:ap-south-1:123456789012:rule/a" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/a" }
}

mock_resource "aws_db_instance" {
  defaults = {
    address            = "db.example"
    arn                = "arn:aws:rds:ap-south-1:123456789012:db:a"
    master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:rds-made" }]
  }
}

mock_resource "aws_elasticache_replication_group" {
  defaults = {
    primary_endpoint_address = "cache.example"
    arn                      = "arn:aws:elasticache:ap-south-1:123456789012:replicationgroup:a"
  }
}

mock_resource "aws_elasticache_user" {
  defaults = { arn = "arn:aws:elasticache:ap-south-1:123456789012:user:a" }
}

mock_resource "aws_backup_vault" {
  defaults = { arn = "arn:aws:backup:ap-south-1:123456789012:backup-vault:a" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:ap-south-1:123456789012:a" }
}

mock_resource "aws_cloudfront_distribution" {
  defaults = {
    arn            = "arn:aws:cloudfront::123456789012:distribution/E1"
    domain_name    = "d1.cloudfront.example"
    hosted_zone_id = "Z2FDTNDATAQYW2"
  }
}

mock_resource "aws_cloudfront_origin_access_control" {
  defaults = { id = "E2" }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = { arn = "arn:aws:wafv2:ap-south-1:123456789012:regional/webacl/a/1" }
}

mock_resource "aws_wafv2_ip_set" {
  defaults = { arn = "arn:aws:wafv2:ap-south-1:123456789012:regional/ipset/a/1" }
}

mock_data "aws_acm_certificate" {
  defaults = { arn = "arn:aws:acm:ap-south-1:123456789012:certificate/1" }
}

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:ap-south-1:123456789012:certificate/1"
    domain_validation_options = [
      { domain_name = "dev.indivillage.com", resource_record_name = "_1.example", resource_record_type = "CNAME", resource_record_value = "_1.acm.example" },
      { domain_name = "origin.dev.indivillage.com", resource_record_name = "_2.example", resource_record_type = "CNAME", resource_record_value = "_2.acm.example" },
      { domain_name = "staging.indivillage.com", resource_record_name = "_3.example", resource_record_type = "CNAME", resource_record_value = "_3.acm.example" },
      { domain_name = "origin.staging.indivillage.com", resource_record_name = "_4.example", resource_record_type = "CNAME", resource_record_value = "_4.acm.example" },
      { domain_name = "www.indivillage.com", resource_record_name = "_5.example", resource_record_type = "CNAME", resource_record_value = "_5.acm.example" },
      { domain_name = "origin.www.indivillage.com", resource_record_name = "_6.example", resource_record_type = "CNAME", resource_record_value = "_6.acm.example" },
    ]
  }
}
