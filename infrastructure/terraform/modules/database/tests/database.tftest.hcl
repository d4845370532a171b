# A protected database with TLS, and the one of the local cloud. Mocked providers cannot play the ephemeral resources of
# generated_secret: tests/infrastructure puts a double in its place and runs this file.
mock_provider "aws" {
  override_during = plan
}

override_resource {
  override_during = plan
  target          = aws_db_instance.this
  values          = { address = "db.example.internal" }
}

override_resource {
  override_during = plan
  target          = aws_elasticache_replication_group.this
  values          = { primary_endpoint_address = "cache.example.internal" }
}

variables {
  prefix               = "indivillage-test"
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
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && !aws_db_instance.this.delete_automated_backups
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
    condition     = one([for parameter in aws_db_parameter_group.this.parameter : parameter.value if parameter.name == "rds.force_ssl"]) == "1"
    error_message = "PostgreSQL must refuse connections without TLS"
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
    condition     = aws_elasticache_replication_group.this.at_rest_encryption_enabled && aws_elasticache_replication_group.this.transit_encryption_enabled
    error_message = "the cache must be encrypted at rest and in transit"
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
    condition     = !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == null
    error_message = "the local cloud must be destroyable"
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
