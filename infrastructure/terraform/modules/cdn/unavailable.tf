# The page for when nobody answers. It lies in a bucket that CloudFront alone reads, signing for this distribution.
locals {
  page_folder = "_cdn"
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV2_AWS_62:nobody waits for objects here: Terraform alone writes the page
  #checkov:skip=CKV_AWS_144:one public page that the next apply puts back; nothing here is a visitor's
  #checkov:skip=CKV_AWS_145:the page is public; a key of ours would have to let CloudFront in

  bucket        = "${var.prefix}-cdn-${var.account_id}"
  force_destroy = true # it holds what this module puts there
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256" # the page is public; a key of ours would have to let CloudFront in
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.retention_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_logging" "this" {
  bucket        = aws_s3_bucket.this.id
  target_bucket = var.logs_bucket.name
  target_prefix = "s3/cdn/"
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "ThisDistribution"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "${aws_s3_bucket.this.arn}/${local.page_folder}/*"
        Condition = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.this.arn } }
      },
    ]
  })

  # Both change who may reach the bucket; S3 refuses them at the same moment.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_object" "unavailable" {
  bucket        = aws_s3_bucket_versioning.this.bucket
  key           = "${local.page_folder}/unavailable.html"
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
