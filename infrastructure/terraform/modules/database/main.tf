locals {
  tls = var.tls ? "1" : "0"
}

# RDS could keep the password itself (manage_master_user_password), but then replaces it every seven days, and tasks that
# got it when they started could open no new connection from that moment on.
module "credentials" {
  source = "../security/generated_secret"

  name                 = "${var.prefix}/database"
  description          = "username and password of the database, as JSON"
  template             = jsonencode({ username = var.username, password = "%s" })
  kms_key_arn          = var.kms_key_arn
  recovery_window_days = var.recovery_window_days
}

resource "aws_db_subnet_group" "this" {
  name        = var.prefix
  description = "Subnets without a way out"
  subnet_ids  = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name        = "${var.prefix}-postgres${var.database.engine_version}"
  description = "TLS forced where there is TLS"
  family      = "postgres${var.database.engine_version}"

  parameter {
    name  = "rds.force_ssl"
    value = local.tls
  }

  # A major upgrade needs the new group beside the old one.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  identifier     = var.prefix
  engine         = "postgres"
  engine_version = var.database.engine_version
  instance_class = var.database.instance_class
  db_name        = "indivillage"
  port           = 5432

  username            = var.username
  password_wo         = jsondecode(module.credentials.value).password
  password_wo_version = module.credentials.generation

  allocated_storage = var.database.allocated_storage_gb
  storage_type      = "gp3"
  storage_encrypted = true
  kms_key_id        = var.kms_key_arn

  multi_az               = var.database.multi_az
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [var.security_groups.database]
  publicly_accessible    = false
  parameter_group_name   = aws_db_parameter_group.this.name

  # Automated backups keep the write-ahead log too: any second of the retention period can be restored.
  backup_retention_period = var.database.backup_retention_days
  backup_window           = var.backup_window
  maintenance_window      = "sun:21:30-sun:22:30"
  copy_tags_to_snapshot   = true

  auto_minor_version_upgrade      = true
  allow_major_version_upgrade     = false
  apply_immediately               = !var.protect
  enabled_cloudwatch_logs_exports = var.log_exports ? ["postgresql", "upgrade"] : []
  deletion_protection             = var.protect
  delete_automated_backups        = !var.protect
  skip_final_snapshot             = !var.protect
  final_snapshot_identifier       = var.protect ? "${var.prefix}-final" : null
}

resource "aws_elasticache_subnet_group" "this" {
  name        = var.prefix
  description = "Subnets without a way out"
  subnet_ids  = var.subnet_ids
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id = var.prefix
  description          = "Rate limits and idempotency keys of ${var.prefix}"
  engine               = "redis"
  engine_version       = var.cache.engine_version
  node_type            = var.cache.node_type
  port                 = 6379

  num_cache_clusters         = var.cache.nodes
  automatic_failover_enabled = var.cache.nodes > 1
  multi_az_enabled           = var.cache.nodes > 1

  subnet_group_name  = aws_elasticache_subnet_group.this.name
  security_group_ids = [var.security_groups.cache]

  # With AWS's own key: nothing here outlives the database that it is made from.
  at_rest_encryption_enabled = true
  transit_encryption_enabled = var.tls

  apply_immediately        = !var.protect
  snapshot_retention_limit = var.protect ? 7 : 1
  snapshot_window          = "20:00-21:00"
  maintenance_window       = "sun:21:30-sun:22:30"
}
