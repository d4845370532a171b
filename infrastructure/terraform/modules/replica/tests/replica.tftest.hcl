# What stands in the second region is as closed as what it is a copy of.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::a-bucket" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:ap-southeast-1:123456789012:key/2" }
  }
}

variables {
  prefix         = "indivillage-test"
  account_id     = "123456789012"
  retention_days = 30

  image_lifecycle_policy = "{\"rules\":[]}"
}

run "closed" {
  command = plan

  assert {
    condition     = { for role, bucket in output.buckets : role => bucket.name } == { for role in ["forms", "uploads", "state"] : role => aws_s3_bucket.this[role].id }
    error_message = "there must be a bucket for each copy"
  }

  assert {
    condition     = aws_s3_bucket.this["forms"].bucket == "indivillage-test-forms-replica-123456789012"
    error_message = "bucket names must end with the account"
  }

  assert {
    condition     = alltrue([for versioning in values(aws_s3_bucket_versioning.this) : versioning.versioning_configuration[0].status == "Enabled"])
    error_message = "S3 replicates only to buckets that keep versions"
  }

  assert {
    condition = alltrue([for block in values(aws_s3_bucket_public_access_block.this) :
    block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "every bucket must block public access in all four ways"
  }

  assert {
    condition     = alltrue([for encryption in values(aws_s3_bucket_server_side_encryption_configuration.this) : one(one(encryption.rule).apply_server_side_encryption_by_default).kms_master_key_id == output.kms_key_arn])
    error_message = "copies must be encrypted with the second region's key"
  }

  assert {
    condition     = alltrue([for policy in values(aws_s3_bucket_policy.this) : jsondecode(policy.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"])
    error_message = "every bucket must refuse plain HTTP"
  }

  assert {
    condition = alltrue([for lifecycle in values(aws_s3_bucket_lifecycle_configuration.this) :
    length([for rule in lifecycle.rule : rule if try(rule.noncurrent_version_expiration[0].noncurrent_days == 30, false)]) == 1])
    error_message = "old versions must be kept for retention_days"
  }

  assert {
    condition     = aws_backup_vault.this.kms_key_arn == output.kms_key_arn && aws_backup_vault_lock_configuration.this.min_retention_days == 30
    error_message = "copies of backups must be encrypted, and nobody may delete them early"
  }

  assert {
    condition     = jsondecode(aws_kms_key.this.policy).Statement[1].Condition.ArnLike == { "kms:EncryptionContext:aws:sns:topicArn" = "arn:aws:sns:*:123456789012:indivillage-test-*" }
    error_message = "alarms may use the key for this environment's topics only"
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "the key must be rotated, and not go at once"
  }
}

run "images" {
  command = plan

  assert {
    condition     = aws_ecr_repository_creation_template.this.applied_for == toset(["REPLICATION"]) && aws_ecr_repository_creation_template.this.lifecycle_policy == var.image_lifecycle_policy
    error_message = "copies of images must go when the originals do"
  }
}

run "refuses_a_lifecycle_that_is_none" {
  command = plan
  variables {
    image_lifecycle_policy = "180 days"
  }
  expect_failures = [var.image_lifecycle_policy]
}

run "refuses_no_retention" {
  command = plan
  variables {
    retention_days = 0
  }
  expect_failures = [var.retention_days]
}

run "refuses_a_short_account" {
  command = plan
  variables {
    account_id = "1234"
  }
  expect_failures = [var.account_id]
}
