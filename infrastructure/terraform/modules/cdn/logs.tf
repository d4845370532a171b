# Who asked the edge for what goes to the logs bucket (standard logging v2: the older one writes by ACL, which no bucket of
# ours allows); what the firewalls decided, to CloudWatch, whose groups WAF only finds by this name's beginning.
locals {
  firewall_log = "aws-waf-logs-${var.prefix}"
}

resource "aws_cloudwatch_log_delivery_source" "this" {
  provider = aws.edge

  name         = var.prefix
  log_type     = "ACCESS_LOGS"
  resource_arn = aws_cloudfront_distribution.this.arn
}

resource "aws_cloudwatch_log_delivery_destination" "this" {
  provider = aws.edge

  name          = var.prefix
  output_format = "json"

  delivery_destination_configuration {
    destination_resource_arn = "${var.logs_bucket.arn}/cdn"
  }
}

resource "aws_cloudwatch_log_delivery" "this" {
  provider = aws.edge

  delivery_source_name     = aws_cloudwatch_log_delivery_source.this.name
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.this.arn

  s3_delivery_configuration = [{
    suffix_path                 = "/{yyyy}/{MM}/{dd}/{HH}"
    enable_hive_compatible_path = false
  }]
}

resource "aws_kms_key" "edge" {
  provider = aws.edge

  description             = "${var.prefix}: the edge's logs"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "IdentitiesOfThisAccount"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "LogGroup"
        Effect    = "Allow"
        Principal = { Service = "logs.us-east-1.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = {
          ArnEquals = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:us-east-1:${var.account_id}:log-group:${local.firewall_log}" }
        }
      },
    ]
  })
}

resource "aws_kms_alias" "edge" {
  provider = aws.edge

  name          = "alias/${var.prefix}-edge"
  target_key_id = aws_kms_key.edge.key_id
}

resource "aws_cloudwatch_log_group" "edge" {
  #checkov:skip=CKV_AWS_338:these hold visitors' addresses, which are kept no longer than their other data

  provider = aws.edge

  name              = local.firewall_log
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.edge.arn
}

resource "aws_cloudwatch_log_group" "origin" {
  #checkov:skip=CKV_AWS_338:these hold visitors' addresses, which are kept no longer than their other data

  name              = local.firewall_log
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_groups_kms_key_arn
}

# Neither passwords nor sessions, and not the header that opens the origin.
resource "aws_wafv2_web_acl_logging_configuration" "edge" {
  provider = aws.edge

  resource_arn            = aws_wafv2_web_acl.edge.arn
  log_destination_configs = [aws_cloudwatch_log_group.edge.arn]

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  redacted_fields {
    single_header {
      name = "cookie"
    }
  }
}

resource "aws_wafv2_web_acl_logging_configuration" "origin" {
  resource_arn            = aws_wafv2_web_acl.origin.arn
  log_destination_configs = [aws_cloudwatch_log_group.origin.arn]

  redacted_fields {
    single_header {
      name = local.origin_header
    }
  }

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  redacted_fields {
    single_header {
      name = "cookie"
    }
  }
}
