# Who hears of alarms: `alerts` by mail, `critical` by text message as well. Only CloudWatch may publish, only for this
# environment's alarms, and whoever publishes does so over TLS.
locals {
  topics = toset(["alerts", "critical"])
  tell   = [aws_sns_topic.this["alerts"].arn]
  page   = [aws_sns_topic.this["critical"].arn]

  alarms_of_this_environment = {
    StringEquals = { "aws:SourceAccount" = var.account_id }
    ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:*:${var.account_id}:alarm:${var.prefix}-*" }
  }
}

resource "aws_sns_topic" "this" {
  for_each = local.topics

  name              = "${var.prefix}-${each.key}"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_policy" "this" {
  for_each = aws_sns_topic.this

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

resource "aws_sns_topic_subscription" "mail" {
  for_each = { for pair in setproduct(local.topics, var.emails) : "${pair[0]} ${pair[1]}" => { topic = pair[0], address = pair[1] } }

  topic_arn = aws_sns_topic.this[each.value.topic].arn
  protocol  = "email"
  endpoint  = each.value.address
}

resource "aws_sns_topic_subscription" "text" {
  for_each = var.phones

  topic_arn = aws_sns_topic.this["critical"].arn
  protocol  = "sms"
  endpoint  = each.value
}
