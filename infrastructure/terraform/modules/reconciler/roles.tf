# Three roles: the schedule may start this one task, the execution role is ECS's own (image, log), and the task role is
# what the reconciler itself may do: read what runs, move traffic back to the color that is good, scale the other one.
locals {
  tasks_assume = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:${var.region}:${var.account_id}:*" }
      }
    }]
  })

  cluster  = "arn:aws:ecs:${var.region}:${var.account_id}:cluster/${var.cluster}"
  services = [for name in var.services : "arn:aws:ecs:${var.region}:${var.account_id}:service/${var.cluster}/${name}"]
  bucket   = "arn:aws:s3:::${var.state_bucket}"
  sensor   = "arn:aws:ecr:${var.region}:*:repository/aws-guardduty-agent-fargate" # modules/compute/roles.tf
}

resource "aws_iam_role" "schedule" {
  name                 = "${local.name}-schedule"
  description          = "EventBridge: starts the reconciler"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnEquals    = { "aws:SourceArn" = aws_cloudwatch_event_rule.this.arn }
      }
    }]
  })
}

resource "aws_iam_role_policy" "schedule" {
  name = "run"
  role = aws_iam_role.schedule.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Task" # ECS asks for all revisions where none is named
        Effect    = "Allow"
        Action    = "ecs:RunTask"
        Resource  = "${local.family}:*"
        Condition = { ArnEquals = { "ecs:cluster" = local.cluster } }
      },
      {
        Sid       = "Roles"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = [aws_iam_role.execution.arn, aws_iam_role.task.arn]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_iam_role" "execution" {
  name                 = "${local.name}-execution"
  description          = "ECS on behalf of the reconciler: image, log"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = local.tasks_assume
}

resource "aws_iam_role_policy" "execution" {
  name = "execution"
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "RegistryLogin" # cannot be narrowed to a repository
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid      = "Image"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = [local.image, local.sensor]
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.this.arn}:*"
      },
    ]
  })
}

resource "aws_iam_role" "task" {
  name                 = "${local.name}-task"
  description          = "What the reconciler itself may do"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = local.tasks_assume
}

resource "aws_iam_role_policy" "task" {
  name = "settle"
  role = aws_iam_role.task.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "Topology"
        Effect   = "Allow"
        Action   = "ssm:GetParameter"
        Resource = "arn:aws:ssm:${var.region}:${var.account_id}:parameter${var.topology_parameter}"
      },
      {
        Sid      = "LeaseAndJournal"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = ["${local.bucket}/lease.json", "${local.bucket}/journal.json"]
      },
      {
        Sid      = "Abort"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${local.bucket}/abort.json"
      },
      {
        Sid      = "Ledger" # with earlier versions, from which a damaged record comes back
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = "${local.bucket}/ledger/*"
      },
      {
        Sid      = "Names" # without them S3 answers 403, not 404, for an object that is not there
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource = local.bucket
      },
      {
        Sid      = "Services"
        Effect   = "Allow"
        Action   = ["ecs:DescribeServices", "ecs:UpdateService"]
        Resource = local.services
      },
      {
        Sid      = "Traffic"
        Effect   = "Allow"
        Action   = "elasticloadbalancing:ModifyListener"
        Resource = var.listeners
      },
      {
        Sid    = "Unnarrowed" # AWS knows no resource for any of these; what nobody proved is deregistered
        Effect = "Allow"
        Action = [
          "ecs:DeregisterTaskDefinition",
          "ecs:DescribeTaskDefinition",
          "ecs:ListTaskDefinitions",
          "elasticloadbalancing:DescribeListeners",
          "elasticloadbalancing:DescribeTargetHealth",
        ]
        Resource = "*"
      },
      ], var.autoscaling ? [{
        Sid      = "Limits" # of targets that Terraform made; their ARNs are random, and a call names a service instead
        Effect   = "Allow"
        Action   = "application-autoscaling:RegisterScalableTarget"
        Resource = "arn:aws:application-autoscaling:${var.region}:${var.account_id}:scalable-target/*"
        Condition = { StringEquals = {
          "application-autoscaling:service-namespace"  = "ecs"
          "application-autoscaling:scalable-dimension" = "ecs:service:DesiredCount"
        } }
    }] : [])
  })
}
