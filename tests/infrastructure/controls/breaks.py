"""Each control broken once: what is written where, and what makes it unsafe. Nothing written: the break is added."""

from __future__ import annotations

from typing import NamedTuple


class Break(NamedTuple):
    """One control broken in one file of the configuration."""

    control: str
    file: str
    sound: str
    broken: str


REGISTRY, BALANCERS = "modules/compute/registry.tf", "modules/compute/load_balancers.tf"
SHELLS, INSTANCE, EVENTS = "modules/compute/main.tf", "modules/database/main.tf", "modules/database/events.tf"
BUCKETS, POLICIES, KEYS = "modules/buckets/main.tf", "modules/storage/policies.tf", "modules/security/main.tf"
PRODUCTION = "environments/production/terraform.tfvars"
ANY_KEY = """policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Any", Effect = "Allow", Action = "kms:Decrypt", Resource = "*" }]
  })"""

BREAKS = [
    Break("ECR.1", REGISTRY, "ScanOnPush = true", "ScanOnPush = false"),
    Break("ECR.2", REGISTRY, '["*-latest", "stable"]', '["*"]'),
    Break("ECR.2", REGISTRY, "!var.immutable_images ? local", "true ? local"),
    Break("ECR.3", REGISTRY, "countNumber = 180", "countNumber = 18"),
    Break("ECS.1", SHELLS, '"10001:10001"', '"0:0"'),
    Break("ECS.1", SHELLS, '"awsvpc"', '"host"'),
    Break("ECS.2", SHELLS, "assign_public_ip = false", "assign_public_ip = true"),
    Break("ECS.3", SHELLS, 'network_mode             = "awsvpc"', 'network_mode = "awsvpc"\n  pid_mode = "host"'),
    Break("ECS.4", SHELLS, "readonlyRootFilesystem = true", "readonlyRootFilesystem = true\n    privileged = true"),
    Break("ECS.5", SHELLS, "readonlyRootFilesystem = true", "readonlyRootFilesystem = false"),
    Break("ECS.8", "topology.tf", "AWS_REGION     = var.region", 'PGPASSWORD = "hunter2"'),
    Break("ECS.9", SHELLS, 'logDriver = "awslogs"', 'logDriver = "none"'),
    Break("ECS.10", SHELLS, 'launch_type     = "FARGATE"', 'launch_type = "FARGATE"\n  platform_version = "1.3.0"'),
    Break("ECS.12", SHELLS, 'value = "enabled"', 'value = "disabled"'),
    Break("ELB.1", BALANCERS, 'protocol    = "HTTPS"', 'protocol = "HTTP"'),
    Break("ELB.4", BALANCERS, "drop_invalid_header_fields = true", "drop_invalid_header_fields = false"),
    Break("ELB.5", BALANCERS, "enabled = true", "enabled = false"),
    Break("ELB.6", BALANCERS, "enable_deletion_protection = var.protect", "enable_deletion_protection = false"),
    Break("ELB.12", BALANCERS, '"defensive"', '"monitor"'),
    Break("ELB.13", BALANCERS, "= var.network.public_subnets", "= [var.network.public_subnets[0]]"),
    Break("ELB.13", "modules/networking/variables.tf", "contains([2, 3], var.zones)", "contains([1, 2], var.zones)"),
    Break("ELB.17", BALANCERS, "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "ELBSecurityPolicy-2016-08"),
    Break("RDS.2", INSTANCE, "publicly_accessible    = false", "publicly_accessible = true"),
    Break("RDS.3", INSTANCE, "storage_encrypted = true", "storage_encrypted = false"),
    Break("RDS.4", "modules/database/backup.tf", "kms_key_arn   = var.kms_key_arn\n", ""),
    Break("RDS.5", PRODUCTION, "multi_az              = true", "multi_az = false"),
    Break("RDS.5", INSTANCE, "= var.database.multi_az", "= false"),
    Break("RDS.6", INSTANCE, "var.enhanced_monitoring ? 60 : null", "0"),
    Break("RDS.8", INSTANCE, "deletion_protection             = var.protect", "deletion_protection = false"),
    Break("RDS.9", INSTANCE, '["postgresql", "upgrade"]', '["upgrade"]'),
    Break("RDS.10", INSTANCE, "var.iam_authentication ? true : null", "false"),
    Break("RDS.11", PRODUCTION, "backup_retention_days = 30", "backup_retention_days = 1"),
    Break("RDS.11", INSTANCE, "= var.database.backup_retention_days", "= 0"),
    Break("RDS.13", INSTANCE, "auto_minor_version_upgrade      = true", "auto_minor_version_upgrade = false"),
    Break("RDS.17", INSTANCE, "copy_tags_to_snapshot   = true", "copy_tags_to_snapshot = false"),
    Break("RDS.20", EVENTS, '"maintenance", ', ""),
    Break("RDS.21", EVENTS, 'db-parameter-group = ["configuration change"]', "db-parameter-group = []"),
    Break("RDS.22", EVENTS, '["configuration change", "failure"]', '["failure"]'),
    Break("RDS.23", "main.tf", "local.local_cloud ? 5432 : 5433", "local.local_cloud ? 5432 : 5432"),
    Break("RDS.23", INSTANCE, "= var.port", "= 5432"),
    Break("RDS.25", "modules/database/variables.tf", 'default     = "indivillage"', 'default = "postgres"'),
    Break("S3.1", "modules/storage/main.tf", "block_public_acls       = true", "block_public_acls = false"),
    Break("S3.2", BUCKETS, "", 'resource "aws_s3_bucket_acl" "a" {\n  bucket = "a"\n  acl = "public-read"\n}\n'),
    Break("S3.3", BUCKETS, "", 'resource "aws_s3_bucket_acl" "a" {\n  bucket = "a"\n  acl = "public-read-write"\n}\n'),
    Break("S3.5", BUCKETS, '"aws:SecureTransport" = "false"', '"aws:SecureTransport" = "true"'),
    Break("S3.5", BUCKETS, '"Deny"', '"Allow"'),
    Break("S3.6", POLICIES, '{ Service = "delivery.logs.amazonaws.com" }', '{ AWS = "999999999999" }'),
    Break("S3.6", POLICIES, '"s3:GetBucketAcl"', '"s3:PutBucketAcl"'),
    Break("S3.8", BUCKETS, "restrict_public_buckets = true", "restrict_public_buckets = false"),
    Break("S3.9", "modules/storage/main.tf", '"aws_s3_bucket_logging" "state"', '"aws_s3_bucket_logging" "other"'),
    Break("S3.9", BUCKETS, "target_bucket = var.access_logs[each.key]", 'target_bucket = ""'),
    Break("S3.12", BUCKETS, "BucketOwnerEnforced", "ObjectWriter"),
    Break("S3.13", BUCKETS, "noncurrent_version_expiration {", "expiration {"),
    Break("KMS.1", KEYS, "", f'resource "aws_iam_policy" "a" {{\n  {ANY_KEY}\n}}\n'),
    Break("KMS.2", "modules/compute/roles.tf", "Resource  = var.kms_key_arn\n", 'Resource  = "*"\n'),
    Break("KMS.3", KEYS, "max(7, var.recovery_window_days)", "7"),
    Break("KMS.4", "modules/replica/main.tf", "enable_key_rotation     = true", "enable_key_rotation = false"),
    Break("KMS.5", KEYS, '{ AWS = "arn:aws:iam::${var.account_id}:root" }', '"*"'),
    Break("SecretsManager.1", INSTANCE, "var.rotation_days == null ? null : true\n", "null\n"),
    Break(
        "SecretsManager.4", INSTANCE, "automatically_after_days = var.rotation_days", "automatically_after_days = 180"
    ),
    Break("SecretsManager.3", "topology.tf", "API_TOKEN  = module.security.api_token_secret_arn", ""),
]
