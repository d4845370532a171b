locals {
  # Who may add to the logs bucket: load balancers their access logs, the VPC its flow logs, S3 what is read and written
  # in the other buckets, and whoever else is asked to; this account's only.
  log_delivery = concat([
    {
      Sid       = "LoadBalancerLogs"
      Effect    = "Allow"
      Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
      Action    = "s3:PutObject"
      # The path holds the account whose load balancer writes, and AWS documents no condition keys for this service.
      Resource = "${module.buckets.arns.logs}/alb/*/AWSLogs/${var.account_id}/*"
    },
    {
      Sid       = "FlowLogs"
      Effect    = "Allow"
      Principal = { Service = "delivery.logs.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${module.buckets.arns.logs}/vpc/*"
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
      Resource  = module.buckets.arns.logs
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
      Resource  = "${module.buckets.arns.logs}/s3/*"
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
      Resource  = "${module.buckets.arns.logs}/cdn/*"
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
        Resource  = "${module.buckets.arns.logs}/config/AWSLogs/${var.account_id}/Config/*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
      {
        Sid       = "ConfigLooks"
        Effect    = "Allow"
        Principal = { Service = "config.amazonaws.com" }
        Action    = ["s3:GetBucketAcl", "s3:ListBucket"]
        Resource  = module.buckets.arns.logs
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
    ]
  }
}
