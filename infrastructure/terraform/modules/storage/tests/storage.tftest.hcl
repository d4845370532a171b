# Three buckets, all of them private, versioned and encrypted; only the logs bucket takes deliveries.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::a-bucket" }
  }
}

variables {
  prefix         = "indivillage-test"
  account_id     = "123456789012"
  region         = "ap-south-1"
  kms_key_arn    = "arn:aws:kms:ap-south-1:123456789012:key/1"
  retention_days = 30
  force_destroy  = false
}

run "every_bucket_is_closed" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this["forms"].bucket == "indivillage-test-forms-123456789012"
    error_message = "bucket names must end with the account"
  }

  assert {
    condition     = toset(keys(aws_s3_bucket.this)) == toset(["forms", "logs", "uploads"])
    error_message = "there must be buckets for forms, logs and uploads"
  }

  assert {
    condition     = alltrue([for bucket in values(aws_s3_bucket.this) : !bucket.force_destroy])
    error_message = "a bucket that holds objects must not be destroyed"
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
    condition = alltrue([for policy in values(aws_s3_bucket_policy.this) : anytrue([for statement in jsondecode(policy.policy).Statement :
    statement.Effect == "Deny" && statement.Principal == "*" && try(statement.Condition.Bool["aws:SecureTransport"] == "false", false)])])
    error_message = "every bucket must refuse plain HTTP"
  }

  assert {
    condition = alltrue([for name in ["forms", "uploads"] : anytrue([for rule in aws_s3_bucket_server_side_encryption_configuration.this[name].rule :
    rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && rule.bucket_key_enabled])])
    error_message = "what visitors send must be encrypted with the environment's key"
  }

  assert {
    condition     = [for rule in aws_s3_bucket_server_side_encryption_configuration.this["logs"].rule : rule.apply_server_side_encryption_by_default[0].sse_algorithm] == ["AES256"]
    error_message = "load balancers can only log to a bucket with S3's own key"
  }
}

run "deliveries" {
  command = plan

  assert {
    condition = alltrue([for name in ["forms", "uploads"] : length([for statement in jsondecode(aws_s3_bucket_policy.this[name].policy).Statement :
    statement if statement.Effect == "Allow"]) == 0])
    error_message = "nobody is given access to forms and uploads by bucket policy"
  }

  assert {
    condition = alltrue([for statement in jsondecode(aws_s3_bucket_policy.this["logs"].policy).Statement :
    try(statement.Condition.StringEquals["aws:SourceAccount"] == "123456789012", endswith(statement.Resource, "/AWSLogs/123456789012/*")) if statement.Effect == "Allow"])
    error_message = "deliveries are taken from this account only"
  }
}

run "retention" {
  command = plan

  variables {
    retention_days     = 14
    log_retention_days = 7
  }

  assert {
    condition = alltrue([for lifecycle in values(aws_s3_bucket_lifecycle_configuration.this) :
    length([for rule in lifecycle.rule : rule if try(rule.noncurrent_version_expiration[0].noncurrent_days == 14, false)]) == 1])
    error_message = "old versions must be kept for retention_days in every bucket"
  }

  assert {
    condition     = toset([for name, lifecycle in aws_s3_bucket_lifecycle_configuration.this : name if anytrue([for rule in lifecycle.rule : rule.id == "old-logs"])]) == toset(["logs"])
    error_message = "only logs may expire: forms and uploads stay"
  }
}

run "local_cloud" {
  command = plan

  variables {
    force_destroy = true
  }

  assert {
    condition     = alltrue([for bucket in values(aws_s3_bucket.this) : bucket.force_destroy])
    error_message = "the local cloud must be destroyable with what it holds"
  }
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
