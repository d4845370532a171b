# What watches the account. An account has each of these once: the environment that owns the account turns them on, one
# by one, since each is paid for by what it looks at.
locals {
  guard    = try(var.account.guardduty, false)
  record   = try(var.account.config, false)
  inspect  = try(var.account.inspector, false)
  findings = local.guard || local.inspect

  guarded = local.guard ? toset(["RDS_LOGIN_EVENTS", "RUNTIME_MONITORING", "S3_DATA_EVENTS"]) : toset([])
}

resource "aws_guardduty_detector" "this" {
  #checkov:skip=CKV2_AWS_3:there is one account and no organization whose members it could be turned on for

  count = local.guard ? 1 : 0

  enable                       = true
  finding_publishing_frequency = "FIFTEEN_MINUTES"
}

resource "aws_guardduty_detector_feature" "this" {
  for_each = local.guarded

  detector_id = aws_guardduty_detector.this[0].id
  name        = each.value
  status      = "ENABLED"

  # Fargate has no host to install anything on: GuardDuty puts its sensor beside each task.
  dynamic "additional_configuration" {
    for_each = each.value == "RUNTIME_MONITORING" ? ["ECS_FARGATE_AGENT_MANAGEMENT"] : []
    content {
      name   = additional_configuration.value
      status = "ENABLED"
    }
  }

  # AWS also names those that are off, in an order of its own, and provider 5.100 would replace the feature for it.
  lifecycle {
    ignore_changes = [additional_configuration]
  }
}

# Images are looked at again whenever a new weakness is known, not only when they are pushed.
resource "aws_inspector2_enabler" "this" {
  count = local.inspect ? 1 : 0

  account_ids    = [var.account_id]
  resource_types = ["ECR"]
}

resource "aws_iam_service_linked_role" "config" {
  count = local.record ? 1 : 0

  aws_service_name = "config.amazonaws.com"
}

resource "aws_config_configuration_recorder" "this" {
  count = local.record ? 1 : 0

  name     = "account"
  role_arn = aws_iam_service_linked_role.config[0].arn

  recording_group {
    all_supported                 = true
    include_global_resource_types = true
  }
}

resource "aws_config_delivery_channel" "this" {
  count = local.record ? 1 : 0

  name           = "account"
  s3_bucket_name = var.config_bucket
  s3_key_prefix  = "config"

  depends_on = [aws_config_configuration_recorder.this]
}

resource "aws_config_configuration_recorder_status" "this" {
  count = local.record ? 1 : 0

  name       = aws_config_configuration_recorder.this[0].name
  is_enabled = true

  depends_on = [aws_config_delivery_channel.this]
}

resource "aws_sns_topic" "findings" {
  count = local.findings ? 1 : 0

  name              = "${var.prefix}-findings"
  kms_master_key_id = aws_kms_key.this.arn
}

resource "aws_sns_topic_policy" "findings" {
  count = local.findings ? 1 : 0

  arn = aws_sns_topic.findings[0].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Findings"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.findings[0].arn
        Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.findings[0].arn } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.findings[0].arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "findings" {
  for_each = local.findings ? var.account.emails : toset([])

  topic_arn = aws_sns_topic.findings[0].arn
  protocol  = "email"
  endpoint  = each.value
}

# GuardDuty's high and critical findings begin at 7.
resource "aws_cloudwatch_event_rule" "findings" {
  count = local.findings ? 1 : 0

  name        = "${var.prefix}-findings"
  description = "What somebody has to look at today"
  event_pattern = jsonencode({
    "$or" = [
      { source = ["aws.guardduty"], "detail-type" = ["GuardDuty Finding"], detail = { severity = [{ numeric = [">=", 7] }] } },
      { source = ["aws.inspector2"], "detail-type" = ["Inspector2 Finding"], detail = { severity = ["CRITICAL", "HIGH"], status = ["ACTIVE"] } },
    ]
  })
}

resource "aws_cloudwatch_event_target" "findings" {
  count = local.findings ? 1 : 0

  rule = aws_cloudwatch_event_rule.findings[0].name
  arn  = aws_sns_topic.findings[0].arn
}
