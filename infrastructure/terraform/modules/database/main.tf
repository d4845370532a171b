# PostgreSQL (RDS) with its credentials, backups and events, and Redis (ElastiCache) with its users.

locals {
  tls  = var.tls ? "1" : "0"
  name = "indivillage"
}

# Either we keep the password, and a new one comes with a new generation and a release; or RDS does and replaces it every
# rotation_days (AWS). Tasks then read the secret whenever they open a connection: docker/backend/app/database_login.py.
module "credentials" {
  source = "../security/generated_secret"
  count  = var.rotation_days == null ? 1 : 0

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

    # PostgreSQL 15 has it by itself, and RDS says of what is so by itself that it waits for a reboot, whatever it was told:
    # "immediate" would be a change in every plan. https://github.com/hashicorp/terraform-provider-aws/issues/23335
    apply_method = var.tls ? "pending-reboot" : "immediate"
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
  db_name        = var.database.restore_from == null ? local.name : null # what is restored has its databases
  port           = var.port

  username                      = var.username
  password_wo                   = var.rotation_days == null ? jsondecode(module.credentials[0].value).password : null
  password_wo_version           = var.rotation_days == null ? module.credentials[0].generation : null
  manage_master_user_password   = var.rotation_days == null ? null : true
  master_user_secret_kms_key_id = var.rotation_days == null ? null : var.kms_key_arn

  # Beside the password a token of a role may do, good for 15 minutes. No role may ask for one yet.
  iam_database_authentication_enabled = var.iam_authentication ? true : null

  allocated_storage = var.database.allocated_storage_gb
  storage_type      = "gp3"
  storage_encrypted = true
  kms_key_id        = var.database.restore_from == null ? var.kms_key_arn : null # RDS restores with the copies' key

  dynamic "restore_to_point_in_time" {
    for_each = var.database.restore_from[*]
    content {
      source_db_instance_automated_backups_arn = restore_to_point_in_time.value
      use_latest_restorable_time               = true
    }
  }

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
  monitoring_interval             = var.enhanced_monitoring ? 60 : null
  monitoring_role_arn             = one(aws_iam_role.monitoring[*].arn)
  deletion_protection             = var.protect
  delete_automated_backups        = !var.protect
  skip_final_snapshot             = !var.protect
  final_snapshot_identifier       = var.protect ? "${var.prefix}-final" : null

  # Which statements waited for what: seven days of it cost nothing.
  performance_insights_enabled          = var.enhanced_monitoring ? true : null
  performance_insights_kms_key_id       = var.enhanced_monitoring ? var.kms_key_arn : null
  performance_insights_retention_period = var.enhanced_monitoring ? 7 : null

  lifecycle {
    # AWS Backup moves the window to where its own continuous backup fits, and refuses whoever moves it back. What a
    # database was made from is history: another source would replace it.
    ignore_changes = [backup_window, db_name, restore_to_point_in_time]
  }

  # RDS refuses a role that cannot write metrics yet.
  depends_on = [aws_iam_role_policy_attachment.monitoring]
}

moved {
  from = module.credentials
  to   = module.credentials[0]
}

resource "aws_secretsmanager_secret_rotation" "this" {
  #checkov:skip=CKV_AWS_304:rotation_days decides, and its validation refuses more than 90

  count = var.rotation_days == null ? 0 : 1

  secret_id          = one(aws_db_instance.this.master_user_secret).secret_arn
  rotate_immediately = false
  rotation_rules {
    automatically_after_days = var.rotation_days
  }
}

# What the machine under the database does (CPU a process, memory, disks), seen from inside, once a minute.
resource "aws_iam_role" "monitoring" {
  count = var.enhanced_monitoring ? 1 : 0

  name                 = "${var.prefix}-database-monitoring"
  description          = "RDS: writes the database's operating system metrics"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  count = var.enhanced_monitoring ? 1 : 0

  role       = aws_iam_role.monitoring[0].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
