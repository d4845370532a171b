# Whatever a bucket is for, it is closed, encrypted and keeps versions.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::a-bucket" }
  }
}

variables {
  kms_key_arn    = "arn:aws:kms:ap-south-1:123456789012:key/1"
  retention_days = 14

  buckets = {
    forms   = { name = "test-forms" }
    logs    = { name = "test-logs", own_key = false, expire_days = 7 }
    backups = { name = "test-backups", object_lock = true }
  }

  access_logs = { forms = "test-logs" }
  statements  = { logs = "[{\"Sid\":\"Logs\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"a\"},\"Action\":\"s3:PutObject\",\"Resource\":\"b\"}]" }
}

run "closed" {
  command = plan

  assert {
    condition     = { for role, bucket in aws_s3_bucket.this : role => bucket.bucket } == { forms = "test-forms", logs = "test-logs", backups = "test-backups" } && alltrue([for bucket in values(aws_s3_bucket.this) : !bucket.force_destroy])
    error_message = "each bucket must bear its name, and not be destroyed with what it holds"
  }

  assert {
    condition     = alltrue([for versioning in values(aws_s3_bucket_versioning.this) : versioning.versioning_configuration[0].status == "Enabled"])
    error_message = "every bucket must keep versions"
  }

  assert {
    condition = alltrue([for block in values(aws_s3_bucket_public_access_block.this) :
    block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "every bucket must block public access in all four ways"
  }

  assert {
    condition     = alltrue([for controls in values(aws_s3_bucket_ownership_controls.this) : one(controls.rule).object_ownership == "BucketOwnerEnforced"])
    error_message = "access must be a matter of policies alone"
  }

  assert {
    condition = alltrue([for policy in values(aws_s3_bucket_policy.this) : anytrue([for statement in jsondecode(policy.policy).Statement :
    statement.Effect == "Deny" && statement.Principal == "*" && try(statement.Condition.Bool["aws:SecureTransport"] == "false", false)])])
    error_message = "every bucket must refuse plain HTTP"
  }

  assert {
    condition     = { for role, policy in aws_s3_bucket_policy.this : role => join(" ", [for statement in jsondecode(policy.policy).Statement : statement.Sid]) } == { forms = "TlsOnly", logs = "TlsOnly Logs", backups = "TlsOnly" }
    error_message = "a statement is for the bucket that it was given for, and for no other"
  }

  assert {
    condition = { for role, encryption in aws_s3_bucket_server_side_encryption_configuration.this : role => [for rule in encryption.rule : join(" ", compact([
      one(rule.apply_server_side_encryption_by_default).sse_algorithm, one(rule.apply_server_side_encryption_by_default).kms_master_key_id, tostring(rule.bucket_key_enabled)
      ]))] } == {
      forms   = ["aws:kms arn:aws:kms:ap-south-1:123456789012:key/1 true"]
      logs    = ["AES256 false"]
      backups = ["aws:kms arn:aws:kms:ap-south-1:123456789012:key/1 true"]
    }
    error_message = "buckets must be encrypted with the key, but those that others write to"
  }

  assert {
    condition = alltrue([for lifecycle in values(aws_s3_bucket_lifecycle_configuration.this) :
    length([for rule in lifecycle.rule : rule if try(rule.noncurrent_version_expiration[0].noncurrent_days == 14, false)]) == 1])
    error_message = "old versions must be kept for retention_days in every bucket"
  }

  assert {
    condition     = { for role, lifecycle in aws_s3_bucket_lifecycle_configuration.this : role => one([for rule in lifecycle.rule : rule.expiration[0].days if length(rule.expiration) > 0]) } == { forms = null, logs = 7, backups = null }
    error_message = "nothing may expire that was not asked to"
  }

  assert {
    condition     = { for role, logging in aws_s3_bucket_logging.this : role => [logging.target_bucket, logging.target_prefix] } == { forms = ["test-logs", "s3/forms/"] }
    error_message = "who asks for what is logged where it was asked for"
  }

  assert {
    condition     = { for role, bucket in aws_s3_bucket.this : role => coalesce(bucket.object_lock_enabled, false) } == { forms = false, logs = false, backups = true }
    error_message = "a bucket must be made with object lock, and only where it is asked for"
  }
}

run "destroyable" {
  command = plan

  variables {
    force_destroy = true
    access_logs   = {}
  }

  assert {
    condition     = alltrue([for bucket in values(aws_s3_bucket.this) : bucket.force_destroy]) && length(aws_s3_bucket_logging.this) == 0
    error_message = "the local cloud must be destroyable with what it holds, and logs nothing"
  }
}

run "refuses_what_s3_refuses" {
  command = plan

  variables {
    retention_days = 0
    buckets        = { forms = { name = "indivillage-a-name-that-is-far-too-long-for-a-bucket-000000000000" } }
  }

  expect_failures = [var.retention_days, var.buckets]
}

run "refuses_what_s3_refuses_at_the_other_end" {
  command = plan

  variables {
    retention_days = 36500
    buckets        = { forms = { name = "ab" } }
  }

  expect_failures = [var.retention_days, var.buckets]
}
