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
    condition     = { for role, bucket in output.buckets : role => bucket.name } == { for role in ["forms", "uploads", "state"] : role => module.buckets.versioned[role] }
    error_message = "there must be a bucket for each copy, that keeps versions"
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

run "no_database" {
  command = plan

  assert {
    condition     = length(aws_db_instance_automated_backups_replication.this) == 0 && output.database_backups_arn == null
    error_message = "what nobody asked for must not be copied"
  }
}

run "database" {
  command = plan

  variables {
    database = { source_arn = "arn:aws:rds:ap-south-1:123456789012:db:indivillage-test", backup_retention_days = 30 }
  }

  assert {
    condition     = [for copies in aws_db_instance_automated_backups_replication.this : [copies.source_db_instance_arn, copies.kms_key_id, tostring(copies.retention_period)]] == [["arn:aws:rds:ap-south-1:123456789012:db:indivillage-test", aws_kms_key.this.arn, "30"]]
    error_message = "backups must be copied, encrypted with the second region's key, and kept as long as at home"
  }
}

run "refuses_to_keep_copies_longer_than_rds" {
  command = plan

  variables {
    database = { source_arn = "arn:aws:rds:ap-south-1:123456789012:db:indivillage-test", backup_retention_days = 90 }
  }

  expect_failures = [var.database]
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

run "refuses_to_keep_for_ever_and_for_no_day" {
  command = plan

  variables {
    retention_days = 36500
    database       = { source_arn = "arn:aws:rds:ap-south-1:123456789012:db:indivillage-test", backup_retention_days = 0 }
  }

  expect_failures = [var.retention_days, var.database]
}
