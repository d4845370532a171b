# Two roles a service: the execution role is ECS's own (pull the image, read the secrets, write the log), the task role
# is the application's. Neither can do what the other can.
locals {
  # GuardDuty's sensor, which starts beside the task where GuardDuty watches the account; each region's lies in an account of
  # AWS's own: https://docs.aws.amazon.com/guardduty/latest/ug/ecs-runtime-agent-ecr-image-uri.html
  sensor = "arn:aws:ecr:${var.region}:*:repository/aws-guardduty-agent-fargate"

  assume_role_policy = jsonencode({
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

  secret_statements = { for name in local.service_names : name => [for statement in [
    {
      Sid      = "Secrets"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = var.secret_arns[name]
    },
    {
      Sid       = "SecretsKey"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = var.kms_key_arn
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
    },
  ] : statement if length(var.secret_arns[name]) > 0] }
}

resource "aws_iam_role" "execution" {
  for_each = local.service_names

  name                 = "${var.prefix}-${each.key}-execution"
  description          = "ECS on behalf of ${each.key}: image, secrets, log"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = local.assume_role_policy
}

resource "aws_iam_role_policy" "execution" {
  for_each = local.service_names

  name = "execution"
  role = aws_iam_role.execution[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
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
        Resource = ["arn:aws:ecr:${var.region}:${var.account_id}:repository/${local.repositories[each.key]}", local.sensor]
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.this[each.key].arn}:*"
      },
    ], local.secret_statements[each.key])
  })
}

resource "aws_iam_role" "task" {
  for_each = local.service_names

  name                 = "${var.prefix}-${each.key}-task"
  description          = "What ${each.key} itself may do"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = local.assume_role_policy
}

# The frontend talks to no AWS API: its task role has no policy at all.
resource "aws_iam_role_policy" "backend" {
  name = "buckets"
  role = aws_iam_role.task["backend"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "Objects"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        Resource = [for arn in var.bucket_arns : "${arn}/*"]
      },
      {
        Sid      = "Buckets" # readiness asks whether they are there
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = var.bucket_arns
      },
      {
        Sid       = "BucketsKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = var.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" } }
      },
      ], length(var.cache_arns) == 0 ? [] : [{
        Sid      = "Cache"
        Effect   = "Allow"
        Action   = "elasticache:Connect"
        Resource = var.cache_arns
        }], [for statement in [
        {
          Sid      = "Login"
          Effect   = "Allow"
          Action   = "secretsmanager:GetSecretValue"
          Resource = var.login_secret_arns
        },
        {
          Sid       = "LoginKey"
          Effect    = "Allow"
          Action    = "kms:Decrypt"
          Resource  = var.kms_key_arn
          Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
        },
    ] : statement if length(var.login_secret_arns) > 0])
  })
}
