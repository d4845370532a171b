# The page for when nobody answers. It lies in buckets that CloudFront alone reads, signing for this distribution.
locals {
  page_folder = "_cdn"
}

locals {
  read_by_us = {
    Sid       = "ThisDistribution"
    Effect    = "Allow"
    Principal = { Service = "cloudfront.amazonaws.com" }
    Action    = "s3:GetObject"
    Condition = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.this.arn } }
  }
}

module "page" {
  source = "../buckets"

  # The page is public; a key of ours would have to let CloudFront in.
  buckets        = { cdn = { name = "${var.prefix}-cdn-${var.account_id}", own_key = false } }
  force_destroy  = true # it holds what this module puts there
  retention_days = var.retention_days
  access_logs    = { cdn = var.logs_bucket.name }
  statements     = { cdn = jsonencode([merge(local.read_by_us, { Resource = "${module.page.arns.cdn}/${local.page_folder}/*" })]) }
}

# When a region is gone, what lies in it is, too.
module "page_copy" {
  source = "../buckets"
  count  = var.second_region ? 1 : 0

  providers = { aws = aws.replica }

  buckets        = { cdn-copy = { name = "${var.prefix}-cdn-replica-${var.account_id}", own_key = false } }
  force_destroy  = true
  retention_days = var.retention_days
  statements     = { cdn-copy = jsonencode([merge(local.read_by_us, { Resource = "${module.page_copy[0].arns.cdn-copy}/${local.page_folder}/*" })]) }
}

resource "aws_s3_object" "unavailable" {
  bucket        = module.page.versioned.cdn
  key           = "${local.page_folder}/unavailable.html"
  source        = "${path.module}/pages/unavailable.html"
  source_hash   = filemd5("${path.module}/pages/unavailable.html")
  content_type  = "text/html; charset=utf-8"
  cache_control = "public, max-age=300"
}

resource "aws_s3_object" "unavailable_copy" {
  provider = aws.replica
  count    = var.second_region ? 1 : 0

  bucket        = module.page_copy[0].versioned.cdn-copy
  key           = aws_s3_object.unavailable.key
  source        = "${path.module}/pages/unavailable.html"
  source_hash   = filemd5("${path.module}/pages/unavailable.html")
  content_type  = "text/html; charset=utf-8"
  cache_control = "public, max-age=300"
}

resource "aws_cloudfront_origin_access_control" "this" {
  name                              = "${var.prefix}-unavailable"
  description                       = "CloudFront signs for what it reads in the bucket"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}
