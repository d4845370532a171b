# Building blocks of what it takes to make and change this environment: what `terraform apply` calls. Verbs, never a whole
# service; and this environment's names, wherever AWS looks at names.
locals {
  iam       = "arn:aws:iam::${var.account_id}"
  tagged    = { StringEquals = { "aws:ResourceTag/environment" = var.environment } }
  in_region = { StringEquals = { "aws:RequestedRegion" = [var.region, var.replica_region] } }

  full_blocks = {
    network = [
      {
        Sid       = "Create" # what does not exist yet has neither name nor tag
        Effect    = "Allow"
        Action    = ["ec2:AllocateAddress", "ec2:AuthorizeSecurityGroup*", "ec2:Create*"]
        Resource  = "*"
        Condition = local.in_region
      },
      {
        Sid    = "Change"
        Effect = "Allow"
        Action = [
          "ec2:AssociateAddress", "ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:Delete*", "ec2:DetachInternetGateway",
          "ec2:DisassociateAddress", "ec2:DisassociateRouteTable", "ec2:Modify*", "ec2:ReleaseAddress", "ec2:Replace*",
          "ec2:RevokeSecurityGroup*", "ec2:UpdateSecurityGroup*",
        ]
        Resource  = "*"
        Condition = local.in_region
      },
    ]

    run = [
      {
        Sid    = "Cluster"
        Effect = "Allow"
        Action = ["ecs:CreateCluster", "ecs:CreateService", "ecs:DeleteCluster", "ecs:DeleteService", "ecs:PutClusterCapacityProviders",
        "ecs:UntagResource", "ecs:UpdateCluster*"]
        Resource = ["arn:aws:ecs:${local.aws}:cluster/${var.prefix}", "arn:aws:ecs:${local.aws}:service/${var.prefix}/*"]
      },
      {
        Sid    = "LoadBalancers"
        Effect = "Allow"
        Action = ["elasticloadbalancing:Add*", "elasticloadbalancing:Create*", "elasticloadbalancing:Delete*", "elasticloadbalancing:Modify*",
        "elasticloadbalancing:Remove*", "elasticloadbalancing:Set*"]
        Resource = [for kind in ["loadbalancer/app/${var.prefix}", "listener/app/${var.prefix}", "listener-rule/app/${var.prefix}", "targetgroup/${var.short_name}"] :
        "${local.balancer}:${kind}-*"]
      },
      {
        Sid       = "Scaling"
        Effect    = "Allow"
        Action    = ["application-autoscaling:DeleteScalingPolicy", "application-autoscaling:DeregisterScalableTarget", "application-autoscaling:PutScalingPolicy"]
        Resource  = "arn:aws:application-autoscaling:${local.aws}:scalable-target/*"
        Condition = { StringEquals = { "application-autoscaling:service-namespace" = "ecs" } }
      },
      {
        Sid      = "ScalingTags" # the condition above is unknown to them
        Effect   = "Allow"
        Action   = ["application-autoscaling:TagResource", "application-autoscaling:UntagResource"]
        Resource = "arn:aws:application-autoscaling:${local.aws}:scalable-target/*"
      },
      {
        Sid      = "Watching"
        Effect   = "Allow"
        Action   = ["cloudwatch:Delete*", "cloudwatch:Put*", "cloudwatch:*TagResource", "events:*TagResource", "events:Delete*", "events:Put*", "events:RemoveTargets", "sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:*TagResource"]
        Resource = ["arn:aws:cloudwatch:*:${var.account_id}:alarm:${var.prefix}*", "arn:aws:cloudwatch::${var.account_id}:dashboard/${var.prefix}*", "arn:aws:events:${local.aws}:rule/${var.prefix}*", "arn:aws:sns:*:${var.account_id}:${var.prefix}*"]
      },
      {
        Sid      = "Unnarrowed" # AWS knows no resource for these
        Effect   = "Allow"
        Action   = ["cloudwatch:PutAnomalyDetector", "cloudwatch:DeleteAnomalyDetector", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"]
        Resource = "*"
      },
      {
        Sid      = "LogGroups"
        Effect   = "Allow"
        Action   = ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:*RetentionPolicy", "logs:*TagResource"]
        Resource = ["arn:aws:logs:${local.aws}:log-group:${local.path}/*", "arn:aws:logs:*:${var.account_id}:log-group:aws-waf-logs-${var.prefix}*", "arn:aws:logs:${local.aws}:log-group:/aws/*/${var.prefix}/*"]
      },
      {
        Sid      = "Parameters"
        Effect   = "Allow"
        Action   = ["ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:PutParameter", "ssm:RemoveTagsFromResource"]
        Resource = "arn:aws:ssm:${local.aws}:parameter${local.path}/*"
      },
    ]

    edge = [
      {
        Sid      = "Grafana"
        Effect   = "Allow"
        Action   = ["grafana:CreateWorkspace", "grafana:DeleteWorkspace", "grafana:*TagResource", "grafana:Update*"]
        Resource = "arn:aws:grafana:${local.aws}:/workspaces*"
      },
      {
        Sid      = "GrafanaSignIn" # Grafana asks for these on behalf of whoever makes a workspace
        Effect   = "Allow"
        Action   = local.grafana_sign_in
        Resource = "*"
      },
      {
        Sid    = "CloudFrontAndFirewall" # both name what they make at random; the boundary keeps off what is tagged otherwise
        Effect = "Allow"
        Action = ["cloudfront:Associate*", "cloudfront:Create*", "cloudfront:Delete*", "cloudfront:*TagResource", "cloudfront:Update*",
        "elasticloadbalancing:SetWebACL", "logs:*Delivery*", "logs:*ResourcePolicy", "wafv2:*WebACL", "wafv2:*IPSet", "wafv2:*LoggingConfiguration", "wafv2:*TagResource"]
        Resource = "*"
      },
      {
        Sid       = "Names" # the zone is everybody's, but each environment has its own names in it
        Effect    = "Allow"
        Action    = "route53:ChangeResourceRecordSets"
        Resource  = "arn:aws:route53:::hostedzone/*"
        Condition = { "ForAllValues:StringLike" = { "route53:ChangeResourceRecordSetsNormalizedRecordNames" = [var.domain, "*.${var.domain}"] } }
      },
      {
        Sid    = "NamesAndCertificates" # a zone is made by an administrator's first apply at the latest, and deleted by nobody else
        Effect = "Allow"
        Action = ["acm:AddTagsToCertificate", "acm:DeleteCertificate", "acm:RemoveTagsFromCertificate", "acm:RequestCertificate",
        "route53:ChangeTagsForResource", "route53:CreateHealthCheck", "route53:CreateHostedZone", "route53:DeleteHealthCheck", "route53:UpdateHealthCheck", "route53:UpdateHostedZoneComment"]
        Resource = "*"
      },
    ]

    data = [
      {
        Sid      = "Databases" # also copies of backups, in the other region
        Effect   = "Allow"
        Action   = ["rds:Add*", "rds:Create*", "rds:Delete*", "rds:Modify*", "rds:RebootDBInstance", "rds:Remove*", "rds:RestoreDBInstance*", "rds:St*AutomatedBackupsReplication"]
        Resource = concat(["arn:aws:rds:*:${var.account_id}:auto-backup:*"], [for kind in ["db", "es", "og", "pg", "snapshot", "subgrp"] : "arn:aws:rds:*:${var.account_id}:${kind}:${var.prefix}*"])
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
        Sid      = "NewKeys"
        Effect   = "Allow"
        Action   = "kms:CreateKey"
        Resource = "*"
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
        Condition = { StringEquals = { "kms:ViaService" = [for service in ["rds", "s3", "secretsmanager"] : "${service}.${var.region}.amazonaws.com"] } }
      },
      {
        Sid       = "ReplicaKeyOnBehalf"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "arn:aws:kms:${var.replica_region}:${var.account_id}:key/*"
        Condition = { StringEquals = merge(local.tagged.StringEquals, { "kms:ViaService" = "rds.${var.replica_region}.amazonaws.com" }) }
      },
    ]

    identity = [
      {
        Sid      = "Roles" # with a boundary only: boundary.tf
        Effect   = "Allow"
        Action   = concat(local.role_changes, ["iam:TagRole", "iam:UntagRole", "iam:UpdateRoleDescription"])
        Resource = "${local.iam}:role/${var.prefix}-*"
      },
      {
        Sid      = "Policies"
        Effect   = "Allow"
        Action   = ["iam:CreatePolicy*", "iam:DeletePolicy*", "iam:SetDefaultPolicyVersion", "iam:TagPolicy", "iam:UntagPolicy"]
        Resource = "${local.iam}:policy/${var.prefix}-*"
      },
      {
        Sid       = "HandRolesToServices"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = "${local.iam}:role/${var.prefix}-*"
        Condition = { StringEquals = { "iam:PassedToService" = [for service in ["backup", "ecs-tasks", "events", "grafana", "monitoring.rds", "s3"] : "${service}.amazonaws.com"] } }
      },
      {
        Sid       = "ServiceLinkedRoles"
        Effect    = "Allow"
        Action    = "iam:CreateServiceLinkedRole"
        Resource  = "${local.iam}:role/aws-service-role/*"
        Condition = { StringLike = { "iam:AWSServiceName" = "*.amazonaws.com" } }
      },
    ]

    account = [
      {
        Sid      = "WhatAnAccountHasOnce"
        Effect   = "Allow"
        Action   = ["cloudformation:CreateResource", "cloudformation:DeleteResource", "cloudformation:UpdateResource", "config:Delete*", "config:Put*", "config:St*ConfigurationRecorder", "ecr:CreateRepository*", "ecr:DeleteLifecyclePolicy", "ecr:DeleteRepository*", "ecr:Put*", "ecr:*TagResource", "guardduty:CreateDetector", "guardduty:DeleteDetector", "guardduty:UpdateDetector", "guardduty:*TagResource", "inspector2:Disable", "inspector2:Enable", "s3:PutAccountPublicAccessBlock"]
        Resource = "*"
      },
      {
        Sid      = "WhoVouchesForCi"
        Effect   = "Allow"
        Action   = ["iam:*OpenIDConnectProvider*"]
        Resource = "${local.iam}:oidc-provider/${local.issuer}"
      },
    ]
  }
}
