# Buckets as all of ours are, wherever they stand: versioned, encrypted, closed to the public, without ACLs, refusing plain
# HTTP. What somebody else may do with one is said by whoever asks for it (statements).
resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV2_AWS_62:nothing acts on single objects; who read or wrote them is in the access logs
  #checkov:skip=CKV_AWS_144:modules/storage/replication.tf copies forms and uploads where backups.replicate says so; the others need no copy

  for_each = var.buckets

  bucket        = each.value.name
  force_destroy = var.force_destroy

  # Can only be had from the start: S3 offers no way back, nor AWS without their support a way there.
  object_lock_enabled = each.value.object_lock ? true : null
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  rule {
    bucket_key_enabled = var.buckets[each.key].own_key
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.buckets[each.key].own_key ? "aws:kms" : "AES256"
      kms_master_key_id = var.buckets[each.key].own_key ? var.kms_key_arn : null
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.retention_days
    }
  }

  dynamic "rule" {
    for_each = var.buckets[each.key].expire_days[*]
    content {
      id     = "old-${each.key}"
      status = "Enabled"
      filter {}
      expiration {
        days = rule.value
      }
    }
  }

  # S3 refuses noncurrent rules on a bucket whose versioning is not there yet.
  depends_on = [aws_s3_bucket_versioning.this]
}

# Who read or wrote which object.
resource "aws_s3_bucket_logging" "this" {
  for_each = { for role, bucket in aws_s3_bucket.this : role => bucket if contains(keys(var.access_logs), role) }

  bucket        = each.value.id
  target_bucket = var.access_logs[each.key]
  target_prefix = "s3/${each.key}/"
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([{
      Sid       = "TlsOnly" # whoever asks
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [each.value.arn, "${each.value.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }], jsondecode(lookup(var.statements, each.key, "[]")))
  })

  # Both change who may reach the bucket; S3 refuses them at the same moment.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
