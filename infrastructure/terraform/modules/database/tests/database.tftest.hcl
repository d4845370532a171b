# A protected database with TLS, and the one of the local cloud. Mocked providers cannot play the ephemeral resources of
# generated_secret: tests/infrastructure puts a double in its place and runs this file.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/a" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:ap-south-1:123456789012:a" }
  }
  mock_resource "aws_backup_vault" {
    defaults = { arn = "arn:aws:backup:ap-south-1:123456789012:backup-vault:a" }
  }
  mock_resource "aws_elasticache_user" {
    defaults = { arn = "arn:aws:elasticache:ap-south-1:123456789012:user:a" }
  }
}

override_resource {
  override_during = plan
  target          = aws_db_instance.this
  values = {
    address            = "db.example.internal"
    arn                = "arn:aws:rds:ap-south-1:123456789012:db:a"
    master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:rds-made" }]
  }
}

override_resource {
  override_during = plan
  target          = aws_elasticache_replication_group.this
  values = {
    primary_endpoint_address = "cache.example.internal"
    arn                      = "arn:aws:elasticache:ap-south-1:123456789012:replicationgroup:a"
  }
}

variables {
  prefix               = "indivillage-test"
  account_id           = "123456789012"
  subnet_ids           = ["subnet-1", "subnet-2"]
  security_groups      = { database = "sg-1", cache = "sg-2" }
  tls                  = true
  log_exports          = true
  protect              = true
  backup_window        = "20:00-21:00"
  recovery_window_days = 30
  kms_key_arn          = "arn:aws:kms:ap-south-1:123456789012:key/1"

  database = {
    engine_version        = "15"
    instance_class        = "db.t4g.micro"
    allocated_storage_gb  = 20
    multi_az              = false
    backup_retention_days = 30
  }

  cache = {
    engine_version = "7.0"
    node_type      = "cache.t4g.micro"
    nodes          = 1
  }
}

run "protected" {
  command = plan

  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.kms_key_id == var.kms_key_arn
    error_message = "the database must be encrypted with the environment's key"
  }

  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.vpc_security_group_ids == toset(["sg-1"])
    error_message = "the database must be private, behind its own group"
  }

  assert {
    condition     = aws_db_instance.this.backup_retention_period == 30 && aws_db_instance.this.backup_window == "20:00-21:00"
    error_message = "backups must be kept for 30 days"
  }

  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == "indivillage-test-final" && !aws_db_instance.this.delete_automated_backups
    error_message = "a protected database must not go without a trace"
  }

  assert {
    condition     = aws_db_instance.this.password == null && aws_db_instance.this.password_wo_version == 1
    error_message = "the password must be write-only, and follow the secret's generation"
  }

  assert {
    condition     = output.credentials_secret_arn == "arn:aws:secretsmanager:ap-south-1:123456789012:secret:indivillage-test/database"
    error_message = "the tasks must be told where user and password are"
  }

  assert {
    condition     = one([for parameter in aws_db_parameter_group.this.parameter : "${parameter.value} ${parameter.apply_method}" if parameter.name == "rds.force_ssl"]) == "1 pending-reboot"
    error_message = "PostgreSQL must refuse connections without TLS, and no plan may find that anew"
  }

  assert {
    condition     = output.postgres == { host = "db.example.internal", port = 5432, name = "indivillage", sslmode = "require" }
    error_message = "the backend must be told to use TLS"
  }

  assert {
    condition     = output.redis_url == "rediss://cache.example.internal:6379/0"
    error_message = "Redis must be reached over TLS"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.at_rest_encryption_enabled && aws_elasticache_replication_group.this.kms_key_id == var.kms_key_arn && aws_elasticache_replication_group.this.transit_encryption_enabled
    error_message = "the cache must be encrypted at rest, with the environment's key, and in transit"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.snapshot_retention_limit == 7 && !aws_elasticache_replication_group.this.apply_immediately && !aws_db_instance.this.apply_immediately
    error_message = "the cache must have a week of snapshots, and changes wait for the window"
  }

  assert {
    condition     = !aws_elasticache_replication_group.this.automatic_failover_enabled
    error_message = "one node has nothing to fail over to"
  }

  assert {
    condition     = aws_db_instance.this.enabled_cloudwatch_logs_exports == toset(["postgresql", "upgrade"])
    error_message = "PostgreSQL's logs must be kept"
  }
}

run "local_cloud" {
  command = plan

  variables {
    tls           = false
    log_exports   = false
    protect       = false
    backup_window = null
  }

  assert {
    condition     = output.postgres.sslmode == "prefer" && output.redis_url == "redis://cache.example.internal:6379/0"
    error_message = "the local cloud's engines speak no TLS"
  }

  assert {
    condition     = one([for parameter in aws_db_parameter_group.this.parameter : parameter.value if parameter.name == "rds.force_ssl"]) == "0"
    error_message = "TLS must not be forced where there is none"
  }

  assert {
    condition = (length(aws_backup_vault.this) + length(aws_backup_plan.this) + length(aws_backup_selection.this) + length(aws_iam_role.backup) + length(aws_iam_role_policy_attachment.backup)
      + length(aws_iam_role.monitoring) + length(aws_sns_topic.events) + length(aws_db_event_subscription.this)
    + length(aws_elasticache_user.backend) + length(aws_elasticache_user_group.this) + length(aws_secretsmanager_secret_rotation.this)) == 0
    error_message = "nothing may be made that the local cloud lacks"
  }

  assert {
    condition     = output.cache_login == null && output.backup_vault == null && aws_db_instance.this.port == 5432
    error_message = "the local cloud's engines stand at their usual ports and ask nobody's name"
  }

  assert {
    condition     = !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == null
    error_message = "the local cloud must be destroyable"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.snapshot_retention_limit == 1 && aws_elasticache_replication_group.this.apply_immediately && aws_db_instance.this.apply_immediately
    error_message = "what is not protected changes at once"
  }
}

run "replicas_fail_over" {
  command = plan

  variables {
    cache = {
      engine_version = "7.0"
      node_type      = "cache.t4g.small"
      nodes          = 2
    }
  }

  assert {
    condition     = aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "two nodes must stand in two zones and fail over"
  }
}

run "backup" {
  command = plan

  variables {
    backup = { retention_days = 35, copy_to = ["arn:aws:backup:ap-southeast-1:123456789012:backup-vault:b"] }
  }

  assert {
    condition     = { for rule in aws_backup_plan.this[0].rule : rule.rule_name => one(rule.lifecycle).delete_after } == { continuous = 30, daily = 35 }
    error_message = "there must be a continuous backup and a full one a day, each kept for its time"
  }

  assert {
    condition     = [for rule in aws_backup_plan.this[0].rule : rule.rule_name if rule.enable_continuous_backup == true] == ["continuous"]
    error_message = "between two full backups nothing may be lost"
  }

  assert {
    condition     = [for copy in one([for rule in aws_backup_plan.this[0].rule : rule if rule.rule_name == "daily"]).copy_action : copy.destination_vault_arn] == ["arn:aws:backup:ap-southeast-1:123456789012:backup-vault:b"]
    error_message = "the full backup must be copied to the second region"
  }

  assert {
    condition     = aws_backup_selection.this[0].resources == toset(["arn:aws:rds:ap-south-1:123456789012:db:a"])
    error_message = "the plan must be for the database"
  }

  assert {
    condition     = output.backup_vault == "indivillage-test" && aws_backup_vault.this[0].kms_key_arn == var.kms_key_arn && !aws_backup_vault.this[0].force_destroy && aws_backup_vault_lock_configuration.this[0].min_retention_days == 30
    error_message = "the vault must be encrypted, and nobody may delete from it early"
  }

  assert {
    condition     = jsondecode(aws_iam_role.backup[0].assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012" && length(aws_iam_role_policy_attachment.backup) == 2
    error_message = "AWS Backup must be able to save and to restore, for this account only"
  }
}

run "backup_without_a_second_region" {
  command = plan

  variables {
    protect = false
    backup  = { retention_days = 30 }
  }

  assert {
    condition     = alltrue([for rule in aws_backup_plan.this[0].rule : length(rule.copy_action) == 0])
    error_message = "there is nowhere to copy to"
  }

  assert {
    condition     = aws_backup_vault.this[0].force_destroy && length(aws_backup_vault_lock_configuration.this) == 0
    error_message = "development must be destroyable"
  }
}

run "watched" {
  command = plan

  variables {
    iam_authentication  = true
    enhanced_monitoring = true
    event_emails        = ["ops@indivillage.com"]
    port                = 5433
  }

  assert {
    condition     = aws_db_instance.this.iam_database_authentication_enabled && aws_db_instance.this.monitoring_interval == 60 && aws_db_instance.this.monitoring_role_arn == aws_iam_role.monitoring[0].arn
    error_message = "people must sign in as themselves, and the machine be watched once a minute"
  }

  assert {
    condition     = endswith(aws_iam_role_policy_attachment.monitoring[0].policy_arn, "/AmazonRDSEnhancedMonitoringRole") && jsondecode(aws_iam_role.monitoring[0].assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "RDS must be able to write the metrics, for this account only"
  }

  assert {
    condition     = aws_db_instance.this.performance_insights_enabled && aws_db_instance.this.performance_insights_kms_key_id == var.kms_key_arn
    error_message = "it must be seen what statements wait for, encrypted with the environment's key"
  }

  assert {
    condition     = aws_db_instance.this.port == 5433 && output.postgres.port == 5433
    error_message = "the port must be the one that was asked for"
  }

  assert {
    condition     = { for kind, subscription in aws_db_event_subscription.this : kind => contains(subscription.event_categories, "configuration change") } == { db-instance = true, db-parameter-group = true, db-security-group = true }
    error_message = "changes of instances, parameters and groups must be told"
  }

  assert {
    condition     = contains(aws_db_event_subscription.this["db-instance"].event_categories, "failure") && contains(aws_db_event_subscription.this["db-instance"].event_categories, "maintenance")
    error_message = "failures and maintenance must be told"
  }

  assert {
    condition     = aws_sns_topic.events[0].kms_master_key_id == var.kms_key_arn
    error_message = "what the database says must be encrypted with the environment's key"
  }

  assert {
    condition     = aws_sns_topic_subscription.events["ops@indivillage.com"].protocol == "email" && jsondecode(aws_sns_topic_policy.events[0].policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "people must hear of it, from this account only"
  }

  assert {
    condition     = aws_sns_topic.events[0].kms_master_key_id == var.kms_key_arn && jsondecode(aws_sns_topic_policy.events[0].policy).Statement[1].Condition == { Bool = { "aws:SecureTransport" = "false" } }
    error_message = "it must be encrypted, and told over TLS"
  }
}

run "redis_asks_who_is_there" {
  command = plan

  variables {
    cache_users = true
  }

  assert {
    condition     = one(aws_elasticache_user.backend[0].authentication_mode).type == "iam" && aws_elasticache_user.backend[0].user_id == aws_elasticache_user.backend[0].user_name
    error_message = "the backend must sign in with its role"
  }

  assert {
    condition     = aws_elasticache_user.default[0].user_name == "default" && aws_elasticache_user.default[0].access_string == "off ~* -@all" && aws_elasticache_user.default[0].no_password_required
    error_message = "whoever gives no name may do nothing, and AWS must answer with what it was told"
  }

  assert {
    condition     = aws_elasticache_user_group.this[0].user_ids == toset(["indivillage-test-backend", "indivillage-test-default"]) && aws_elasticache_replication_group.this.user_group_ids == toset(["indivillage-test"])
    error_message = "the cache must know both users and no others"
  }

  assert {
    condition     = output.cache_login == { user = "indivillage-test-backend", cluster = "indivillage-test", arns = ["arn:aws:elasticache:ap-south-1:123456789012:replicationgroup:a", "arn:aws:elasticache:ap-south-1:123456789012:user:a"] }
    error_message = "the backend must be told as whom and where it signs in"
  }
}

run "rotated_by_rds" {
  command = plan

  variables {
    rotation_days = 30
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password_wo_version == null && length(module.credentials) == 0 && aws_db_instance.this.master_user_secret_kms_key_id == var.kms_key_arn
    error_message = "only one may keep the password, under the environment's key"
  }

  assert {
    condition     = one(aws_secretsmanager_secret_rotation.this[0].rotation_rules).automatically_after_days == 30 && output.credentials_secret_arn == "arn:aws:secretsmanager:ap-south-1:123456789012:secret:rds-made"
    error_message = "the secret that RDS made must be rotated, and the tasks be told of it"
  }
}

run "refuses_users_without_tls" {
  command = plan
  variables {
    tls         = false
    cache_users = true
  }
  expect_failures = [var.cache_users]
}

run "refuses_a_port_that_rds_lacks" {
  command = plan
  variables {
    port = 443
  }
  expect_failures = [var.port]
}

run "refuses_a_rotation_once_a_year" {
  command = plan
  variables {
    rotation_days = 365
  }
  expect_failures = [var.rotation_days]
}

run "refuses_backups_for_a_week" {
  command = plan
  variables {
    backup = { retention_days = 7 }
  }
  expect_failures = [var.backup]
}

run "refuses_a_minor_version" {
  command = plan
  variables {
    database = { engine_version = "15.4", instance_class = "db.t4g.micro", allocated_storage_gb = 20, multi_az = false, backup_retention_days = 30 }
  }
  expect_failures = [var.database]
}

run "refuses_no_backups" {
  command = plan
  variables {
    database = { engine_version = "15", instance_class = "db.t4g.micro", allocated_storage_gb = 20, multi_az = false, backup_retention_days = 0 }
  }
  expect_failures = [var.database]
}

run "refuses_too_little_storage" {
  command = plan
  variables {
    database = { engine_version = "15", instance_class = "db.t4g.micro", allocated_storage_gb = 5, multi_az = false, backup_retention_days = 30 }
  }
  expect_failures = [var.database]
}

run "refuses_no_cache_nodes" {
  command = plan
  variables {
    cache = { engine_version = "7.0", node_type = "cache.t4g.micro", nodes = 0 }
  }
  expect_failures = [var.cache]
}

run "refuses_a_single_subnet" {
  command = plan
  variables {
    subnet_ids = ["subnet-1"]
  }
  expect_failures = [var.subnet_ids]
}

run "restored" {
  command = plan

  variables {
    database = { engine_version = "15", instance_class = "db.t4g.micro", allocated_storage_gb = 20, multi_az = false, backup_retention_days = 30, restore_from = "arn:aws:rds:ap-southeast-1:123456789012:auto-backup:ab-1" }
  }

  assert {
    condition     = one(aws_db_instance.this.restore_to_point_in_time[*].source_db_instance_automated_backups_arn) == "arn:aws:rds:ap-southeast-1:123456789012:auto-backup:ab-1" && aws_db_instance.this.storage_encrypted
    error_message = "a database must be made from the backups that are named"
  }

  # The provider would hand it to RestoreDBInstanceToPointInTime, which makes no database in what it restores.
  assert {
    condition     = aws_db_instance.this.db_name != "indivillage" && output.postgres.name == "indivillage"
    error_message = "what is restored has its databases, under the name that tasks ask for"
  }
}

run "refuses_more_than_aws_offers" {
  command = plan
  variables {
    port          = 70000
    rotation_days = 0
    database      = { engine_version = "15", instance_class = "db.t4g.micro", allocated_storage_gb = 20, multi_az = false, backup_retention_days = 36 }
    cache         = { engine_version = "7.0", node_type = "cache.t4g.micro", nodes = 7 }
  }
  expect_failures = [var.port, var.rotation_days, var.database, var.cache]
}
