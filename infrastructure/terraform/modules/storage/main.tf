# forms: what visitors wrote; uploads: what they sent; logs: who asked for what; backups: exports that nobody can delete
# before their time. A fifth bucket, the state's, is made by the deployer: Terraform cannot make where its state lives.
locals {
  buckets = merge(
    {
      forms   = { kms = true }
      uploads = { kms = true }
      logs    = { kms = false }
    },
    var.object_lock_days == null ? {} : { backups = { kms = true } },
  )
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV2_AWS_62:nothing acts on single objects; who read or wrote them is in the access logs
  #checkov:skip=CKV_AWS_144:replication.tf copies forms and uploads where backups.replicate says so; logs need no copy

  for_each = local.buckets

  bucket        = "${var.prefix}-${each.key}-${var.account_id}"
  force_destroy = var.force_destroy

  # Can only be had from the start: S3 offers no way back, nor AWS without their support a way there.
  object_lock_enabled = each.key == "backups" ? true : null
}

# Governance: who may bypass it (s3:BypassGovernanceRetention) is a matter of IAM, and no role of ours may.
resource "aws_s3_bucket_object_lock_configuration" "backups" {
  count = var.object_lock_days == null ? 0 : 1

  bucket = aws_s3_bucket_versioning.this["backups"].bucket
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = var.object_lock_days
    }
  }
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
    bucket_key_enabled = local.buckets[each.key].kms
    apply_server_side_encryption_by_default {
      sse_algorithm     = local.buckets[each.key].kms ? "aws:kms" : "AES256"
      kms_master_key_id = local.buckets[each.key].kms ? var.kms_key_arn : null
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
    for_each = each.key == "logs" ? [1] : []
    content {
      id     = "old-logs"
      status = "Enabled"
      filter {}
      expiration {
        days = var.log_retention_days
      }
    }
  }

  # S3 refuses noncurrent rules on a bucket whose versioning is not there yet.
  depends_on = [aws_s3_bucket_versioning.this]
}

# Who read or wrote which object. The logs bucket keeps none about itself: each delivery would be one more to log.
resource "aws_s3_bucket_logging" "this" {
  for_each = { for role, bucket in aws_s3_bucket.this : role => bucket if var.access_logs && role != "logs" }

  bucket        = each.value.id
  target_bucket = aws_s3_bucket_policy.this["logs"].bucket
  target_prefix = "s3/${each.key}/"
}

# Whatever a bucket of this account is told later, and whoever makes it: none becomes public.
resource "aws_s3_account_public_access_block" "this" {
  count = var.owns_account ? 1 : 0

  account_id              = var.account_id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
