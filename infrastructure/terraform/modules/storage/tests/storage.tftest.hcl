# Which buckets there are (modules/buckets has how); only the logs bucket takes deliveries. What AWS has beyond the
# local cloud: copies in a second region, a bucket of locked objects, access logs, a file system. Longer than other
# files, because what its runs share (mocks, variables) cannot be imported by a second one.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::a-bucket" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/a" }
  }
  mock_resource "aws_efs_file_system" {
    defaults = { id = "fs-1", arn = "arn:aws:elasticfilesystem:ap-south-1:123456789012:file-system/fs-1" }
  }
}

variables {
  prefix         = "indivillage-test"
  account_id     = "123456789012"
  region         = "ap-south-1"
  kms_key_arn    = "arn:aws:kms:ap-south-1:123456789012:key/1"
  retention_days = 30
  force_destroy  = false
  state_bucket   = "indivillage-test-state-123456789012"
}

run "which_buckets_there_are" {
  command = plan

  assert {
    condition     = output.names == { for role in ["forms", "logs", "uploads"] : role => module.buckets.names[role] } && { for role, bucket in local.buckets : role => try(bucket.own_key, true) } == { forms = true, logs = false, uploads = true }
    error_message = "there must be buckets for forms, logs and uploads, and load balancers can only log to one with S3's own key"
  }

  assert {
    condition     = [for role, bucket in local.buckets : role if try(bucket.expire_days, null) != null] == ["logs"]
    error_message = "only logs may expire: forms and uploads stay"
  }
}

run "deliveries" {
  command = plan

  assert {
    condition = alltrue([for statement in local.log_delivery :
    try(statement.Condition.StringEquals["aws:SourceAccount"] == "123456789012", endswith(statement.Resource, "/AWSLogs/123456789012/*"))])
    error_message = "deliveries are taken from this account only"
  }

  assert {
    condition     = length([for statement in local.log_delivery : statement if startswith(statement.Sid, "Config") || startswith(statement.Sid, "CloudFront")]) == 0
    error_message = "nobody else may write to the logs bucket unasked"
  }
}

run "local_cloud" {
  command = plan

  assert {
    condition = (length(aws_s3_bucket_object_lock_configuration.backups) + length(aws_s3_account_public_access_block.this)
      + length(aws_s3_bucket_logging.state) + length(aws_s3_bucket_replication_configuration.this) + length(aws_s3_bucket_replication_configuration.state) + length(aws_iam_role.replication) + length(aws_iam_role_policy.replication)
    + length(aws_efs_file_system.this) + length(aws_efs_mount_target.this) + length(aws_efs_backup_policy.this) + length(aws_efs_file_system_policy.this)) == 0
    error_message = "nothing may be made that the local cloud lacks"
  }

  assert {
    condition     = [for statement in local.log_delivery : statement.Sid] == ["LoadBalancerLogs", "FlowLogs", "FlowLogsAcl"]
    error_message = "who logs nothing need not be let in"
  }

  assert {
    condition     = output.backups_bucket == null && output.replication == {} && output.file_system == null
    error_message = "what is not there has no name"
  }
}

run "access_logs" {
  command = plan

  variables {
    deliveries       = ["cdn", "config"]
    access_logs      = true
    object_lock_days = 30
  }

  assert {
    condition     = [for logging in aws_s3_bucket_logging.state : [logging.bucket, logging.target_prefix]] == [["indivillage-test-state-123456789012", "s3/state/"]]
    error_message = "who reads or writes the state must be logged like the rest"
  }

  assert {
    condition = one([for statement in local.log_delivery : statement if statement.Sid == "BucketLogs"]).Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      ArnLike      = { "aws:SourceArn" = "arn:aws:s3:::indivillage-test-*" }
    }
    error_message = "only this environment's buckets may log into the logs bucket"
  }

  assert {
    condition = one([for statement in local.log_delivery : statement if statement.Sid == "CloudFrontLogs"]).Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      ArnLike      = { "aws:SourceArn" = "arn:aws:logs:us-east-1:123456789012:delivery-source:*" }
    }
    error_message = "CloudFront may log for this account's distributions only"
  }

  assert {
    condition = alltrue([for statement in local.log_delivery :
    statement.Condition == { StringEquals = { "aws:SourceAccount" = "123456789012" } } if startswith(statement.Sid, "Config")])
    error_message = "AWS Config may record this account only"
  }
}

run "locked_backups" {
  command = plan

  variables {
    object_lock_days = 30
  }

  assert {
    condition     = [for role, bucket in local.buckets : role if try(bucket.object_lock, false)] == ["backups"] && output.backups_bucket != null
    error_message = "the backups bucket must be made with object lock, and no other"
  }

  assert {
    condition     = [for retention in one(aws_s3_bucket_object_lock_configuration.backups[0].rule).default_retention : [retention.days, retention.mode]] == [[30, "GOVERNANCE"]]
    error_message = "backups must be locked for 30 days"
  }

  assert {
    condition     = toset(keys(output.names)) == toset(["forms", "uploads", "logs"]) && toset(keys(output.arns)) == toset(["forms", "uploads", "logs"])
    error_message = "the deployer must not be told of the backups bucket"
  }
}

run "one_environment_closes_the_account" {
  command = plan

  variables {
    owns_account = true
  }

  assert {
    condition = alltrue([for block in aws_s3_account_public_access_block.this :
    block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "no bucket of the account may become public"
  }

  assert {
    condition     = one(aws_s3_account_public_access_block.this[*].account_id) == "123456789012"
    error_message = "the account that is closed must be this one"
  }
}

run "copies_in_a_second_region" {
  command = plan

  variables {
    replica = {
      region      = "ap-southeast-1"
      kms_key_arn = "arn:aws:kms:ap-southeast-1:123456789012:key/2"
      buckets = {
        forms   = { name = "forms-replica", arn = "arn:aws:s3:::forms-replica" }
        uploads = { name = "uploads-replica", arn = "arn:aws:s3:::uploads-replica" }
        state   = { name = "state-replica", arn = "arn:aws:s3:::state-replica" }
      }
    }
  }

  assert {
    condition     = { for role, replication in aws_s3_bucket_replication_configuration.this : role => one(one(replication.rule).destination).bucket } == { forms = "arn:aws:s3:::forms-replica", uploads = "arn:aws:s3:::uploads-replica" }
    error_message = "forms and uploads must be copied, each to its own bucket"
  }

  assert {
    condition = alltrue([for replication in values(aws_s3_bucket_replication_configuration.this) : alltrue([for destination in one(replication.rule).destination :
      one(destination.replication_time).status == "Enabled" && one(one(destination.replication_time).time).minutes == 15
    && one(destination.metrics).status == "Enabled" && one(destination.encryption_configuration).replica_kms_key_id == "arn:aws:kms:ap-southeast-1:123456789012:key/2"])])
    error_message = "copies must arrive within 15 minutes, be measured, and be encrypted with the second region's key"
  }

  assert {
    condition     = alltrue([for replication in values(aws_s3_bucket_replication_configuration.this) : one(one(replication.rule).delete_marker_replication).status == "Enabled" && one(one(one(replication.rule).source_selection_criteria).sse_kms_encrypted_objects).status == "Enabled"])
    error_message = "what is encrypted must be copied, and what is deleted be deleted there too"
  }

  assert {
    condition     = alltrue(flatten([for statement in jsondecode(aws_iam_role_policy.replication[0].policy).Statement : [for resource in flatten([statement.Resource]) : resource != "*"]]))
    error_message = "S3 may read these buckets and write those, and no others"
  }

  assert {
    condition     = jsondecode(aws_iam_role.replication[0].assume_role_policy).Statement == [{ Effect = "Allow", Principal = { Service = "s3.amazonaws.com" }, Action = "sts:AssumeRole" }]
    error_message = "S3 must be able to use the role, by the form that AWS documents, and nobody else"
  }

  assert {
    condition = { for rule in aws_s3_bucket_replication_configuration.state[0].rule : rule.id => [one(rule.filter).prefix, tostring(rule.priority), one(rule.destination).bucket] } == {
      ledger = ["ledger/", "0", "arn:aws:s3:::state-replica"]
      state  = ["terraform.tfstate", "1", "arn:aws:s3:::state-replica"]
    }
    error_message = "who starts again elsewhere needs state and ledger, and no lease"
  }

  assert {
    condition     = contains(one([for statement in jsondecode(aws_iam_role_policy.replication[0].policy).Statement : statement.Resource if statement.Sid == "Originals"]), "arn:aws:s3:::indivillage-test-state-123456789012/*")
    error_message = "S3 must be able to read the state, too"
  }

  assert {
    condition     = output.replication["forms"].DestinationBucket == "forms-replica" && output.replication["uploads"].RuleId == "second-region"
    error_message = "whoever watches the copies must know under which dimensions"
  }
}

run "file_system" {
  command = plan

  variables {
    file_system = { subnet_ids = ["subnet-1", "subnet-2"], security_group_id = "sg-1" }
  }

  assert {
    condition     = aws_efs_file_system.this[0].encrypted && aws_efs_file_system.this[0].kms_key_id == var.kms_key_arn && one(aws_efs_backup_policy.this[0].backup_policy).status == "ENABLED"
    error_message = "the file system must be encrypted and backed up"
  }

  assert {
    condition     = [for target in aws_efs_mount_target.this : [target.subnet_id, target.security_groups]] == [["subnet-1", toset(["sg-1"])], ["subnet-2", toset(["sg-1"])]]
    error_message = "it must be reached in every zone, through its own group"
  }

  assert {
    condition     = jsondecode(aws_efs_file_system_policy.this[0].policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "it must refuse connections without TLS"
  }
}

run "refuses_a_replica_in_the_same_region" {
  command = plan
  variables {
    replica = {
      region      = "ap-south-1"
      kms_key_arn = "arn:aws:kms:ap-south-1:123456789012:key/2"
      buckets     = { for role in ["forms", "uploads", "state"] : role => { name = role, arn = "arn:aws:s3:::${role}" } }
    }
  }
  expect_failures = [var.replica]
}

run "refuses_a_lock_for_years" {
  command = plan
  variables {
    object_lock_days = 3650
  }
  expect_failures = [var.object_lock_days]
}

run "refuses_no_retention_and_unknown_deliveries" {
  command = plan
  variables {
    retention_days = 0
    deliveries     = ["cdn", "anybody"]
  }
  expect_failures = [var.retention_days, var.deliveries]
}

run "refuses_a_short_account" {
  command = plan
  variables {
    account_id = "1234"
  }
  expect_failures = [var.account_id]
}

run "refuses_to_keep_for_ever_and_to_lock_for_no_day" {
  command = plan
  variables {
    retention_days   = 36500
    object_lock_days = 0
  }
  expect_failures = [var.retention_days, var.object_lock_days]
}
