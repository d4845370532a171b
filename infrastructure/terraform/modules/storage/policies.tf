locals {
  # A request over plain HTTP is refused whoever makes it.
  tls_only = { for name, bucket in aws_s3_bucket.this : name => {
    Sid       = "TlsOnly"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:*"
    Resource  = [bucket.arn, "${bucket.arn}/*"]
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  } }

  # Who may add to the logs bucket: load balancers their access logs, the VPC its flow logs, S3 what is read and written
  # in the other buckets, and whoever else is asked to; this account's only.
  log_delivery = concat([
    {
      Sid       = "LoadBalancerLogs"
      Effect    = "Allow"
      Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
      Action    = "s3:PutObject"
      # The path holds the account whose load balancer writes, and AWS documents no condition keys for this service.
      Resource = "${aws_s3_bucket.this["logs"].arn}/alb/*/AWSLogs/${var.account_id}/*"
    },
    {
      Sid       = "FlowLogs"
      Effect    = "Allow"
      Principal = { Service = "delivery.logs.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${aws_s3_bucket.this["logs"].arn}/vpc/*"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:aws:logs:${var.region}:${var.account_id}:*" }
      }
    },
    {
      Sid       = "FlowLogsAcl"
      Effect    = "Allow"
      Principal = { Service = "delivery.logs.amazonaws.com" }
      Action    = "s3:GetBucketAcl"
      Resource  = aws_s3_bucket.this["logs"].arn
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:aws:logs:${var.region}:${var.account_id}:*" }
      }
    },
    ], var.access_logs ? [{
      Sid       = "BucketLogs"
      Effect    = "Allow"
      Principal = { Service = "logging.s3.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${aws_s3_bucket.this["logs"].arn}/s3/*"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:aws:s3:::${var.prefix}-*" }
      }
  }] : [], flatten([for name, statements in local.deliveries : statements if contains(var.deliveries, name)]))

  deliveries = {
    cdn = [{
      Sid       = "CloudFrontLogs"
      Effect    = "Allow"
      Principal = { Service = "delivery.logs.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${aws_s3_bucket.this["logs"].arn}/cdn/*"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:aws:logs:us-east-1:${var.account_id}:delivery-source:*" }
      }
    }]

    config = [
      {
        Sid       = "ConfigRecord"
        Effect    = "Allow"
        Principal = { Service = "config.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${aws_s3_bucket.this["logs"].arn}/config/AWSLogs/${var.account_id}/Config/*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
      {
        Sid       = "ConfigLooks"
        Effect    = "Allow"
        Principal = { Service = "config.amazonaws.com" }
        Action    = ["s3:GetBucketAcl", "s3:ListBucket"]
        Resource  = aws_s3_bucket.this["logs"].arn
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
    ]
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.tls_only[each.key]], [for statement in local.log_delivery : statement if each.key == "logs"])
  })

  # Both change who may reach the bucket; S3 refuses them at the same moment.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
