# A file system that all tasks of the backend could share. Off by default, and nothing mounts it: the services keep no
# files (uploads go to S3, which is versioned and copied to the second region), a mount makes every task start later, and
# its failure would stop tasks that need none of it. It is here for whoever brings something that knows only files.
resource "aws_efs_file_system" "this" {
  #checkov:skip=CKV2_AWS_18:the backup policy below has AWS Backup keep it, by EFS's own plan

  count = var.file_system == null ? 0 : 1

  creation_token  = var.prefix
  encrypted       = true
  kms_key_id      = var.kms_key_arn
  throughput_mode = "elastic"
  tags            = { Name = var.prefix }

  lifecycle_policy {
    transition_to_ia = "AFTER_30_DAYS"
  }
}

resource "aws_efs_mount_target" "this" {
  count = var.file_system == null ? 0 : length(var.file_system.subnet_ids)

  file_system_id  = aws_efs_file_system.this[0].id
  subnet_id       = var.file_system.subnet_ids[count.index]
  security_groups = [var.file_system.security_group_id]
}

resource "aws_efs_backup_policy" "this" {
  count = var.file_system == null ? 0 : 1

  file_system_id = aws_efs_file_system.this[0].id
  backup_policy {
    status = "ENABLED"
  }
}

resource "aws_efs_file_system_policy" "this" {
  count = var.file_system == null ? 0 : 1

  file_system_id = aws_efs_file_system.this[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "*"
        Resource  = aws_efs_file_system.this[0].arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "IdentitiesOfThisAccount"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
        Resource  = aws_efs_file_system.this[0].arn
      },
    ]
  })
}
