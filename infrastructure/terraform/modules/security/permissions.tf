# Building blocks of what people and CI may do: to look, to test, to approve, to plan, to deploy. What AWS can narrow is
# narrowed to this environment's names; what it cannot (looking, above all) the boundary keeps off other environments'.
locals {
  aws       = "${var.region}:${var.account_id}"
  path      = "/${replace(var.prefix, "-", "/")}"
  topology  = "arn:aws:ssm:${local.aws}:parameter${local.path}/topology"
  state     = "arn:aws:s3:::${var.state_bucket}"
  page      = "arn:aws:s3:::${var.prefix}-cdn-*"
  secrets   = "arn:aws:secretsmanager:${local.aws}:secret:${var.prefix}"
  balancer  = "arn:aws:elasticloadbalancing:${local.aws}"
  task_role = "arn:aws:iam::${var.account_id}:role/${var.prefix}"

  read_secrets_key = {
    Sid       = "SecretsKey"
    Effect    = "Allow"
    Action    = "kms:Decrypt"
    Resource  = aws_kms_key.this.arn
    Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
  }

  blocks = merge({ for block, statements in local.full_blocks : block => statements }, {
    read = [
      {
        Sid    = "Look"
        Effect = "Allow"
        Action = [
          "application-autoscaling:Describe*",
          "cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*",
          "ec2:Describe*",
          "ecr:Describe*",
          "ecs:Describe*", "ecs:List*",
          "elasticache:Describe*",
          "elasticloadbalancing:Describe*",
          "events:Describe*", "events:List*",
          "logs:Describe*",
          "rds:Describe*",
        ]
        Resource = "*"
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartQuery", "logs:GetLogGroupFields"]
        Resource = "arn:aws:logs:${local.aws}:log-group:${local.path}/*"
      },
      {
        Sid      = "Topology"
        Effect   = "Allow"
        Action   = "ssm:GetParameter"
        Resource = local.topology
      },
      {
        Sid      = "History"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = [for key in ["ledger/*", "approvals/*", "lease.json", "journal.json", "abort.json"] : "${local.state}/${key}"]
      },
      {
        Sid      = "HistoryNames"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource = local.state
      },
    ]

    # An approval is an object that nobody else can write; the deployer reads who wrote it.
    approve = [
      {
        Sid      = "Approvals"
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${local.state}/approvals/*"
      },
    ]

    test = [
      {
        Sid      = "WhatTestsSignInWith"
        Effect   = "Allow"
        Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
        Resource = ["${local.secrets}/api-token-*", "${local.secrets}/basic-auth-*"]
      },
      local.read_secrets_key,
    ]

    # What `terraform plan` reads: everything that is described here, and every secret that is handed on.
    plan = [
      {
        Sid    = "Refresh"
        Effect = "Allow"
        Action = [
          "acm:Describe*", "acm:List*",
          "application-autoscaling:List*",
          "backup:Describe*", "backup:Get*", "backup:List*",
          "cloudformation:DescribeType", "cloudformation:GetResource", "cloudformation:GetResourceRequestStatus", "cloudformation:ListResources",
          "cloudfront:Describe*", "cloudfront:Get*", "cloudfront:List*",
          "config:Describe*",
          "ec2:GetManagedPrefixListEntries", "ec2:GetSecurityGroupsForVpc",
          "ecr:Get*", "ecr:List*",
          "elasticache:List*",
          "elasticfilesystem:Describe*", "elasticfilesystem:List*",
          "grafana:Describe*", "grafana:List*",
          "guardduty:Get*", "guardduty:List*",
          "iam:Get*", "iam:List*",
          "inspector2:BatchGet*",
          "kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:List*",
          "logs:GetDelivery*", "logs:ListTags*",
          "rds:List*",
          "route53:Get*", "route53:List*",
          "s3:GetAccelerateConfiguration", "s3:GetAccountPublicAccessBlock", "s3:GetBucket*", "s3:GetEncryptionConfiguration",
          "s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration", "s3:ListBucket",
          "secretsmanager:DescribeSecret", "secretsmanager:GetRandomPassword", "secretsmanager:GetResourcePolicy",
          "sns:Get*", "sns:List*",
          "ssm:Describe*", "ssm:ListTagsForResource",
          "tag:GetResources",
          "wafv2:Get*", "wafv2:List*",
        ]
        Resource = "*"
      },
      {
        Sid      = "Parameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:GetParameters"]
        Resource = "arn:aws:ssm:${local.aws}:parameter${local.path}/*"
      },
      {
        Sid      = "Secrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = "${local.secrets}/*"
      },
      local.read_secrets_key,
      {
        Sid      = "ErrorPage" # the one object that Terraform keeps
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectTagging"]
        Resource = "${local.page}/*"
      },
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = ["${local.state}/terraform.tfstate", "${local.state}/terraform.tfstate.tflock"]
      },
      {
        Sid      = "StateLock"
        Effect   = "Allow"
        Action   = "s3:DeleteObject"
        Resource = "${local.state}/terraform.tfstate.tflock"
      },
    ]

    # What the deployer calls (deployer/aws) beyond looking.
    deploy = [
      {
        Sid      = "RegistryLogin" # cannot be narrowed to a repository
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid    = "Images"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
          "ecr:InitiateLayerUpload", "ecr:ListImages", "ecr:PutImage", "ecr:UploadLayerPart",
        ]
        Resource = "arn:aws:ecr:${local.aws}:repository/indivillage/*"
      },
      {
        Sid      = "TaskDefinitions" # AWS knows no resource for the first two
        Effect   = "Allow"
        Action   = ["ecs:DeregisterTaskDefinition", "ecs:RegisterTaskDefinition", "ecs:TagResource"]
        Resource = "*"
      },
      {
        Sid    = "Tasks"
        Effect = "Allow"
        Action = ["ecs:RunTask", "ecs:StopTask", "ecs:UpdateService"]
        Resource = [
          "arn:aws:ecs:${local.aws}:service/${var.prefix}/*",
          "arn:aws:ecs:${local.aws}:task/${var.prefix}/*",
          "arn:aws:ecs:${local.aws}:task-definition/${var.prefix}-*",
        ]
      },
      {
        Sid       = "TaskRoles"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = ["${local.task_role}-*-execution", "${local.task_role}-*-task"]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
      {
        Sid      = "Preflight"
        Effect   = "Allow"
        Action   = ["iam:GetRole", "secretsmanager:DescribeSecret"]
        Resource = ["${local.task_role}-*", "${local.secrets}/*"]
      },
      {
        Sid      = "Traffic"
        Effect   = "Allow"
        Action   = "elasticloadbalancing:ModifyListener"
        Resource = "${local.balancer}:listener/app/${var.prefix}-public/*"
      },
      {
        Sid      = "Limits"
        Effect   = "Allow"
        Action   = "application-autoscaling:RegisterScalableTarget"
        Resource = "arn:aws:application-autoscaling:${local.aws}:scalable-target/*"
        Condition = { StringEquals = {
          "application-autoscaling:service-namespace"  = "ecs"
          "application-autoscaling:scalable-dimension" = "ecs:service:DesiredCount"
        } }
      },
      {
        Sid      = "Ledger"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:DeleteObject"]
        Resource = [for key in ["ledger/*", "lease.json", "journal.json", "abort.json"] : "${local.state}/${key}"]
      },
    ]
  })
}
