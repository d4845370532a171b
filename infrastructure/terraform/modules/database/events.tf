# Failovers, failures, full disks, changed settings: RDS says so, and people hear of it.
locals {
  events = var.event_emails == null ? {} : {
    db-instance        = ["availability", "configuration change", "deletion", "failover", "failure", "low storage", "maintenance", "recovery"]
    db-parameter-group = ["configuration change"]
    db-security-group  = ["configuration change", "failure"]
  }
}

resource "aws_sns_topic" "events" {
  count = var.event_emails == null ? 0 : 1

  name              = "${var.prefix}-database-events"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_policy" "events" {
  count = var.event_emails == null ? 0 : 1

  arn = aws_sns_topic.events[0].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "DatabaseEvents"
        Effect    = "Allow"
        Principal = { Service = "events.rds.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.events[0].arn
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.events[0].arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "events" {
  for_each = var.event_emails == null ? toset([]) : var.event_emails

  topic_arn = aws_sns_topic.events[0].arn
  protocol  = "email"
  endpoint  = each.value
}

# No source is named, which means all: groups that somebody makes by hand as well.
resource "aws_db_event_subscription" "this" {
  for_each = local.events

  name             = "${var.prefix}-${each.key}"
  sns_topic        = aws_sns_topic_policy.events[0].arn
  source_type      = each.key
  event_categories = each.value
}
