# What an environment keeps in the second region: copies of forms, uploads, state and database backups, under a key of
# that region, and the rules for the copies of images; copies of the database's automated backups (database.tf). Whoever calls this hands
# it that region's provider.
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
  description             = "${var.prefix}: copies of forms, uploads, state and database"
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

module "buckets" {
  source = "../buckets"

  buckets        = { for role in local.roles : role => { name = "${var.prefix}-${role}-replica-${var.account_id}" } }
  kms_key_arn    = aws_kms_key.this.arn
  retention_days = var.retention_days
}
