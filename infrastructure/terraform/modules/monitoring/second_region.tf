# What is measured where the copies arrive, and can be told there only: an alarm sees metrics of its own region and
# publishes to topics of its own region. So people still hear of it when the first region is the one that fails.
# Source: docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html (the Region that a metric is published in).
locals {
  second_topics = var.second_region == null ? toset([]) : toset(["critical"])

  # Nobody measures any more is as bad as too late: the metrics come every minute, whether anything is copied or not.
  arriving = { for alarm in concat(
    flatten([for role, dimensions in local.copies : [
      {
        key    = "replication-${role}-latency", text = "Copies of ${role} are more than ${var.thresholds.rpo_s} s behind in the second region, or nobody measures it", namespace = "AWS/S3"
        metric = "ReplicationLatency", dimensions = dimensions, statistic = "Maximum", threshold = var.thresholds.rpo_s, period_s = 60, periods = 5, missing = "breaching"
      },
      {
        key    = "replication-${role}-pending", text = "For an hour there was always something of ${role} that waited to be copied", namespace = "AWS/S3"
        metric = "OperationsPendingReplication", dimensions = dimensions, statistic = "Minimum", threshold = 0, period_s = 3600, periods = 1, missing = "notBreaching"
      },
    ]]),
    [for identifier in local.replica : {
      key    = "database-replica-lag", text = "The database's replica is more than ${var.thresholds.rpo_s} s behind, or says nothing any more", namespace = "AWS/RDS"
      metric = "ReplicaLag", dimensions = { DBInstanceIdentifier = identifier }, statistic = "Average", threshold = var.thresholds.rpo_s, period_s = 60, periods = 5, missing = "breaching"
    }],
  ) : alarm.key => alarm }
}

resource "aws_sns_topic" "second" {
  provider = aws.replica
  for_each = local.second_topics

  name              = "${var.prefix}-${each.key}"
  kms_master_key_id = var.second_region.kms_key_arn
}

resource "aws_sns_topic_policy" "second" {
  provider = aws.replica
  for_each = aws_sns_topic.second

  arn = each.value.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = each.value.arn
        Condition = local.alarms_of_this_environment
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = each.value.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "second" {
  provider = aws.replica
  for_each = var.second_region == null ? {} : merge({ for address in var.emails : address => "email" }, { for number in var.phones : number => "sms" })

  topic_arn = aws_sns_topic.second["critical"].arn
  protocol  = each.value
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "arriving" {
  provider = aws.replica
  for_each = local.arriving

  alarm_name          = "${var.prefix}-ops-${each.key}"
  alarm_description   = each.value.text
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = each.value.period_s
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.second["critical"].arn]
  ok_actions          = [aws_sns_topic.second["critical"].arn]
}
