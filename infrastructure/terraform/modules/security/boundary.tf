# The most that anybody can ever have, whatever their policies say: what is not in these is out of reach, also for a role
# that a release or a person makes. One for people and CI, one for what runs (tasks, backups, copies).
locals {
  boundaries = { for name, statements in { people = local.people_boundary, workload = local.workload_boundary } : name => jsonencode({
    Version   = "2012-10-17"
    Statement = statements
  }) if var.people != null || var.ci != null }

  boundary_arns = [for name in ["people", "workload"] : "arn:aws:iam::${var.account_id}:policy/${var.prefix}-boundary-${name}"]

  role_changes = [
    "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DeleteRolePermissionsBoundary",
    "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
  ]

  # IAM Identity Center as far as Grafana needs it, and no further: whoever may change it can make himself anybody.
  grafana_sign_in = [
    "organizations:DescribeOrganization",
    "sso:CreateManagedApplicationInstance", "sso:DeleteManagedApplicationInstance", "sso:DescribeRegisteredRegions",
    "sso:GetManagedApplicationInstance", "sso:GetProfile", "sso:GetSharedSsoConfiguration",
    "sso:ListDirectoryAssociations", "sso:ListProfileAssociations", "sso:ListProfiles",
    "sso-directory:DescribeGroup", "sso-directory:DescribeUser",
  ]

  people_boundary = [
    {
      Sid    = "Services"
      Effect = "Allow"
      Action = [for service in [
        "acm", "application-autoscaling", "backup", "backup-storage", "cloudformation", "cloudfront", "cloudwatch", "config", "ec2",
        "ecr", "ecs", "elasticache", "elasticfilesystem", "elasticloadbalancing", "events", "grafana", "guardduty", "iam",
        "inspector2", "kms", "logs", "rds", "route53", "s3", "secretsmanager", "sns", "ssm", "sts", "tag", "wafv2",
      ] : "${service}:*"]
      Resource = "*"
    },
    {
      Sid      = "GrafanaSignIn"
      Effect   = "Allow"
      Action   = local.grafana_sign_in
      Resource = "*"
    },
    {
      Sid       = "OtherRegions" # what AWS does everywhere at once, it does in us-east-1
      Effect    = "Deny"
      Action    = "*"
      Resource  = "*"
      Condition = { StringNotEquals = { "aws:RequestedRegion" = distinct([var.region, var.replica_region, "us-east-1"]) } }
    },
    {
      Sid       = "OtherEnvironments" # images are everybody's: what is promoted is what was tested
      Effect    = "Deny"
      NotAction = ["ecr:*", "sts:*"]
      Resource  = "*"
      Condition = {
        StringNotEquals = { "aws:ResourceTag/environment" = var.environment }
        Null            = { "aws:ResourceTag/environment" = "false" }
      }
    },
    {
      Sid      = "UsersAndKeys" # nobody signs in but through a role
      Effect   = "Deny"
      Action   = ["iam:*AccessKey*", "iam:*Group*", "iam:*LoginProfile*", "iam:*SAMLProvider*", "iam:*User*"]
      Resource = "*"
    },
    {
      Sid         = "RolesOfOtherEnvironments"
      Effect      = "Deny"
      Action      = "sts:AssumeRole"
      NotResource = "${local.task_role}-*"
    },
    {
      Sid       = "WhoSomebodyIs" # the tag by which people are told apart: nobody calls himself, or what he makes, another
      Effect    = "Deny"
      Action    = ["iam:CreateRole", "iam:TagRole", "iam:TagUser", "sts:TagSession"]
      Resource  = "*"
      Condition = { "ForAnyValue:StringEquals" = { "aws:TagKeys" = [local.person_tag] } }
    },
    {
      Sid       = "RolesWithoutBoundary"
      Effect    = "Deny"
      Action    = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
      Resource  = "*"
      Condition = { StringNotEquals = { "iam:PermissionsBoundary" = local.boundary_arns } }
    },
    {
      Sid      = "BoundaryStays"
      Effect   = "Deny"
      Action   = ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion"]
      Resource = local.boundary_arns
    },
    {
      Sid      = "BoundariesStay"
      Effect   = "Deny"
      Action   = "iam:DeleteRolePermissionsBoundary"
      Resource = "*"
    },
    {
      Sid      = "LocksStay" # locked backups, and what would blind the guards
      Effect   = "Deny"
      Action   = ["backup:DeleteBackupVaultLockConfiguration", "kms:DisableKeyRotation", "s3:BypassGovernanceRetention"]
      Resource = "*"
    },
  ]

  workload_boundary = [
    {
      Sid    = "WhatTasksAndServicesDo"
      Effect = "Allow"
      Action = [
        "application-autoscaling:Describe*", "application-autoscaling:RegisterScalableTarget",
        "backup:CopyFromBackupVault", "backup:CopyIntoBackupVault", "backup:Describe*", "backup:List*", "backup:StartBackupJob",
        "cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*", "cloudwatch:PutMetricData",
        "ec2:Describe*",
        "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer",
        "ecs:DeregisterTaskDefinition", "ecs:Describe*", "ecs:List*", "ecs:RunTask", "ecs:UpdateService",
        "elasticache:Connect",
        "elasticloadbalancing:Describe*", "elasticloadbalancing:ModifyListener",
        "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*",
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:Describe*", "logs:Get*", "logs:PutLogEvents", "logs:PutRetentionPolicy",
        "logs:FilterLogEvents", "logs:StartQuery",
        "rds:AddTagsToResource", "rds:CopyDBSnapshot", "rds:CreateDBSnapshot", "rds:DeleteDBInstanceAutomatedBackup", "rds:DeleteDBSnapshot", "rds:Describe*", "rds:List*",
        "rds:ModifyDBInstance", "rds:RestoreDBInstance*",
        "s3:AbortMultipartUpload", "s3:DeleteObject*", "s3:GetBucket*", "s3:GetObject*", "s3:GetReplicationConfiguration",
        "s3:List*", "s3:PutObject*", "s3:Replicate*",
        "secretsmanager:GetSecretValue",
        "sns:Publish",
        "ssm:GetParameter*",
        "tag:GetResources",
      ]
      Resource = "*"
    },
    {
      Sid       = "PassRolesToTasks"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = "${local.task_role}-*"
      Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
    },
  ]
}

resource "aws_iam_policy" "boundary" {
  for_each = local.boundaries

  name        = "${var.prefix}-boundary-${each.key}"
  description = "${var.prefix}: the most that ${each.key} can ever have"
  policy      = each.value
}
