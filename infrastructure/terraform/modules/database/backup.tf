# Beside RDS's own automated backups: a continuous backup (any second of the retention period, without a gap of an hour or
# less), and a full one a day in a vault that outlives the database, with a copy in the second region.
resource "aws_backup_vault" "this" {
  count = var.backup == null ? 0 : 1

  name          = var.prefix
  kms_key_arn   = var.kms_key_arn
  force_destroy = !var.protect
}

# Governance mode: who may lift it (backup:DeleteBackupVaultLockConfiguration) is a matter of IAM, and no role of ours may.
resource "aws_backup_vault_lock_configuration" "this" {
  count = var.backup != null && var.protect ? 1 : 0

  backup_vault_name  = aws_backup_vault.this[0].name
  min_retention_days = min(var.backup.retention_days, var.database.backup_retention_days)
}

resource "aws_backup_plan" "this" {
  count = var.backup == null ? 0 : 1

  name = "${var.prefix}-database"

  rule {
    rule_name                = "continuous"
    target_vault_name        = aws_backup_vault.this[0].name
    schedule                 = "cron(0 20 * * ? *)"
    start_window             = 60
    completion_window        = 180
    enable_continuous_backup = true

    lifecycle {
      delete_after = var.database.backup_retention_days
    }
  }

  # Clear of the maintenance on Sundays from 21:30 to 22:30, within an hour of which RDS refuses to be backed up.
  rule {
    rule_name         = "daily"
    target_vault_name = aws_backup_vault.this[0].name
    schedule          = "cron(30 0 * * ? *)"
    start_window      = 60
    completion_window = 180

    lifecycle {
      delete_after = var.backup.retention_days
    }

    dynamic "copy_action" {
      for_each = var.backup.copy_to
      content {
        destination_vault_arn = copy_action.value

        lifecycle {
          delete_after = var.backup.retention_days
        }
      }
    }
  }
}

resource "aws_backup_selection" "this" {
  count = var.backup == null ? 0 : 1

  name         = "database"
  plan_id      = aws_backup_plan.this[0].id
  iam_role_arn = aws_iam_role.backup[0].arn
  resources    = [aws_db_instance.this.arn]
}

resource "aws_iam_role" "backup" {
  count = var.backup == null ? 0 : 1

  name                 = "${var.prefix}-backup"
  description          = "AWS Backup: saves the database, and brings it back"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "backup.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "backup" {
  for_each = var.backup == null ? toset([]) : toset(["Backup", "Restores"])

  role       = aws_iam_role.backup[0].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyFor${each.key}"
}
