# What `terraform apply` calls for databases, caches, buckets, backups, secrets and keys: the building block `data`.
locals {
  database_secrets = "arn:aws:secretsmanager:${local.aws}:secret:rds!db-*"

  data_block = [
    {
      Sid      = "Databases" # also copies of backups, in the other region
      Effect   = "Allow"
      Action   = ["rds:Add*", "rds:Create*", "rds:Delete*", "rds:Modify*", "rds:RebootDBInstance", "rds:Remove*", "rds:RestoreDBInstance*", "rds:St*AutomatedBackupsReplication"]
      Resource = concat(["arn:aws:rds:*:${var.account_id}:auto-backup:*", "arn:aws:rds:*:${var.account_id}:og:default*"], [for kind in ["db", "es", "og", "pg", "snapshot", "subgrp"] : "arn:aws:rds:*:${var.account_id}:${kind}:${var.prefix}*"])
    },
    {
      Sid    = "Caches"
      Effect = "Allow"
      Action = ["elasticache:*TagsToResource", "elasticache:*TagsFromResource", "elasticache:Create*", "elasticache:Delete*", "elasticache:Modify*", "elasticache:TestFailover"]
      Resource = concat(["arn:aws:elasticache:${local.aws}:parametergroup:default*"], [
        for kind in ["cluster", "parametergroup", "replicationgroup", "snapshot", "subnetgroup", "user", "usergroup"] : "arn:aws:elasticache:${local.aws}:${kind}:${var.prefix}*"
      ])
    },
    {
      Sid      = "Buckets"
      Effect   = "Allow"
      Action   = ["s3:CreateBucket", "s3:DeleteBucket*", "s3:PutBucket*", "s3:Put*Configuration", "s3:*Object"]
      Resource = ["arn:aws:s3:::${var.prefix}-*"]
    },
    {
      Sid      = "Backups"
      Effect   = "Allow"
      Action   = ["backup-storage:MountCapsule", "backup:CreateBackup*", "backup:DeleteBackup*", "backup:PutBackupVault*", "backup:StartRestoreJob", "backup:*TagResource", "backup:UpdateBackupPlan"]
      Resource = "*"
    },
    {
      Sid      = "FileSystems"
      Effect   = "Allow"
      Action   = ["elasticfilesystem:Create*", "elasticfilesystem:Delete*", "elasticfilesystem:Put*", "elasticfilesystem:*TagResource"]
      Resource = "*"
    },
    {
      Sid      = "Secrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:PutSecretValue", "secretsmanager:*TagResource", "secretsmanager:RestoreSecret", "secretsmanager:RotateSecret", "secretsmanager:UpdateSecret*"]
      Resource = "${local.secrets}/*"
    },
    {
      Sid      = "DatabaseSecret" # RDS makes it on behalf of whoever makes the database, under a name of its own
      Effect   = "Allow"
      Action   = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
      Resource = local.database_secrets
    },
    {
      Sid       = "DatabaseRotation"
      Effect    = "Allow"
      Action    = "secretsmanager:RotateSecret"
      Resource  = local.database_secrets
      Condition = { StringEquals = { "aws:ResourceTag/aws:rds:primaryDBInstanceArn" = "arn:aws:rds:${local.aws}:db:${var.prefix}" } }
    },
    {
      Sid      = "NewKeys"
      Effect   = "Allow"
      Action   = "kms:CreateKey"
      Resource = "*"
    },
    {
      Sid      = "NewKeysTags" # those below are not there yet, and nobody else's key becomes ours
      Effect   = "Allow"
      Action   = "kms:TagResource"
      Resource = "arn:aws:kms:*:${var.account_id}:key/*"
      Condition = {
        StringEquals = { "aws:RequestTag/environment" = var.environment }
        Null         = { "aws:ResourceTag/environment" = "true" }
      }
    },
    {
      Sid      = "KeyNames" # AWS asks for both, the name and the key
      Effect   = "Allow"
      Action   = ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"]
      Resource = ["arn:aws:kms:*:${var.account_id}:alias/${var.prefix}*", "arn:aws:kms:*:${var.account_id}:key/*"]
    },
    {
      Sid       = "Keys" # using one to read is not among it, but for what AWS's services do on behalf
      Effect    = "Allow"
      Action    = ["kms:CancelKeyDeletion", "kms:CreateGrant", "kms:EnableKeyRotation", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:*TagResource", "kms:UpdateKeyDescription"]
      Resource  = "arn:aws:kms:*:${var.account_id}:key/*"
      Condition = local.tagged
    },
    {
      Sid       = "KeysOnBehalf"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = aws_kms_key.this.arn
      Condition = { StringEquals = { "kms:ViaService" = [for service in ["backup", "rds", "s3", "secretsmanager"] : "${service}.${var.region}.amazonaws.com"] } }
    },
    {
      Sid       = "ReplicaKeyOnBehalf"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = "arn:aws:kms:${var.replica_region}:${var.account_id}:key/*"
      Condition = { StringEquals = merge(local.tagged.StringEquals, { "kms:ViaService" = "rds.${var.replica_region}.amazonaws.com" }) }
    },
  ]
}
