# What an environment keeps in the second region: copies of forms, uploads, state and database backups, under a key of
# that region, and the rules for the copies of images. Whoever calls this hands it that region's provider.
locals {
  roles = toset(["forms", "uploads", "state"])
}

# Repositories appear here by themselves with the first image that is copied. Tags move as they move at home.
resource "aws_ecr_repository_creation_template" "this" {
  prefix               = "indivillage"
  description          = "Copies of images from the first region"
  applied_for          = ["REPLICATION"]
  image_tag_mutability = "MUTABLE"

  encryption_configuration {
    encryption_type = "AES256"
  }

  lifecycle_policy = var.image_lifecycle_policy
}

resource "aws_kms_key" "this" {
  description             = "${var.prefix}: copies of forms, uploads, state and database backups"
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
        Sid       = "Topics" # alarms tell of copies that are late
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:sns:topicArn" = "arn:aws:sns:*:${var.account_id}:${var.prefix}-*" }
        }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.prefix}-replica"
  target_key_id = aws_kms_key.this.key_id
}

# Copies of the database's daily backups. Governance mode: lifting it is a matter of IAM, and no role of ours may.
resource "aws_backup_vault" "this" {
  name        = "${var.prefix}-replica"
  kms_key_arn = aws_kms_key.this.arn
}

resource "aws_backup_vault_lock_configuration" "this" {
  backup_vault_name  = aws_backup_vault.this.name
  min_retention_days = var.retention_days
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV2_AWS_6:closed below for each of them; checkov connects for_each with the first one only
  #checkov:skip=CKV2_AWS_61:given below for each of them; checkov connects for_each with the first one only
  #checkov:skip=CKV2_AWS_62:S3 alone writes here, and nothing acts on single objects
  #checkov:skip=CKV_AWS_144:these are the copies themselves, in the second region
  #checkov:skip=CKV_AWS_145:given below for each of them; checkov connects for_each with the first one only
  #checkov:skip=CKV_AWS_18:S3 alone writes here, and this region has no bucket for logs (S3.9)
  #checkov:skip=CKV_AWS_21:given below for each of them; checkov connects for_each with the first one only

  for_each = local.roles

  bucket = "${var.prefix}-${each.key}-replica-${var.account_id}"
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
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
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

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [each.value.arn, "${each.value.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}
