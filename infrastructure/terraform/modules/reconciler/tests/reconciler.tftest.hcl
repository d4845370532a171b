# A schedule that runs the newest task definition of one family, and roles that can do what settling takes and no more.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-south-1:123456789012:log-group:a" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:ap-south-1:123456789012:rule/a" }
  }
}

override_resource {
  override_during = plan
  target          = aws_iam_role.schedule
  values          = { arn = "arn:aws:iam::123456789012:role/schedule" }
}

override_resource {
  override_during = plan
  target          = aws_iam_role.execution
  values          = { arn = "arn:aws:iam::123456789012:role/execution" }
}

override_resource {
  override_during = plan
  target          = aws_iam_role.task
  values          = { arn = "arn:aws:iam::123456789012:role/task" }
}

variables {
  prefix                 = "indivillage-test"
  region                 = "ap-south-1"
  account_id             = "123456789012"
  schedule               = "rate(1 minute)"
  cluster                = "indivillage-test"
  autoscaling            = true
  services               = ["indivillage-test-frontend-blue", "indivillage-test-frontend-green"]
  listeners              = ["arn:aws:elasticloadbalancing:ap-south-1:123456789012:listener/app/a/1/2"]
  repository             = "indivillage/deployer"
  state_bucket           = "indivillage-test-state-123456789012"
  topology_parameter     = "/indivillage/test/topology"
  subnets                = ["subnet-1", "subnet-2"]
  security_groups        = ["sg-1"]
  log_retention_days     = 30
  log_groups_kms_key_arn = "arn:aws:kms:ap-south-1:123456789012:key/1"
}

run "schedule" {
  command = plan

  assert {
    condition     = aws_cloudwatch_event_rule.this.schedule_expression == "rate(1 minute)"
    error_message = "it must look every minute"
  }

  assert {
    condition     = aws_cloudwatch_event_target.this.ecs_target[0].task_definition_arn == "arn:aws:ecs:ap-south-1:123456789012:task-definition/indivillage-test-reconciler"
    error_message = "the target must name no revision: the newest is meant, and the deployer registers it"
  }

  assert {
    condition     = aws_cloudwatch_event_target.this.arn == "arn:aws:ecs:ap-south-1:123456789012:cluster/indivillage-test" && aws_cloudwatch_event_target.this.role_arn == aws_iam_role.schedule.arn
    error_message = "the task must run in the environment's cluster, started by the schedule's own role"
  }

  assert {
    condition     = !aws_cloudwatch_event_target.this.ecs_target[0].network_configuration[0].assign_public_ip && aws_cloudwatch_event_target.this.ecs_target[0].launch_type == "FARGATE"
    error_message = "the task must have no public address"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/indivillage/test/reconciler" && aws_cloudwatch_log_group.this.kms_key_id != null
    error_message = "what it says must be kept beside the services' logs, encrypted"
  }

  assert {
    condition = output.topology == {
      repository     = "indivillage/deployer"
      family         = "indivillage-test-reconciler"
      execution_role = "arn:aws:iam::123456789012:role/execution"
      task_role      = "arn:aws:iam::123456789012:role/task"
      log_group      = "/indivillage/test/reconciler"
    }
    error_message = "the deployer must be told what the task is made of"
  }
}

run "least_privilege" {
  command = plan

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Sid => {
      actions = toset(flatten([statement.Action])), resources = toset(flatten([statement.Resource])),
      } if statement.Effect == "Allow" } == {
      Topology = { actions = toset(["ssm:GetParameter"]), resources = toset(["arn:aws:ssm:ap-south-1:123456789012:parameter/indivillage/test/topology"]) }
      LeaseAndJournal = { actions = toset(["s3:GetObject", "s3:PutObject"]), resources = toset([
        "arn:aws:s3:::indivillage-test-state-123456789012/lease.json",
        "arn:aws:s3:::indivillage-test-state-123456789012/journal.json",
      ]) }
      Abort  = { actions = toset(["s3:GetObject"]), resources = toset(["arn:aws:s3:::indivillage-test-state-123456789012/abort.json"]) }
      Ledger = { actions = toset(["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]), resources = toset(["arn:aws:s3:::indivillage-test-state-123456789012/ledger/*"]) }
      Names  = { actions = toset(["s3:ListBucket", "s3:ListBucketVersions"]), resources = toset(["arn:aws:s3:::indivillage-test-state-123456789012"]) }
      Services = { actions = toset(["ecs:DescribeServices", "ecs:UpdateService"]), resources = toset([
        "arn:aws:ecs:ap-south-1:123456789012:service/indivillage-test/indivillage-test-frontend-blue",
        "arn:aws:ecs:ap-south-1:123456789012:service/indivillage-test/indivillage-test-frontend-green",
      ]) }
      Limits  = { actions = toset(["application-autoscaling:RegisterScalableTarget"]), resources = toset(["arn:aws:application-autoscaling:ap-south-1:123456789012:scalable-target/*"]) }
      Traffic = { actions = toset(["elasticloadbalancing:ModifyListener"]), resources = toset(["arn:aws:elasticloadbalancing:ap-south-1:123456789012:listener/app/a/1/2"]) }
      Unnarrowed = { actions = toset([
        "ecs:DeregisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions",
        "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeTargetHealth",
      ]), resources = toset(["*"]) }
    }
    error_message = "the reconciler may do exactly what settling takes, and in all of the account only what cannot be narrowed"
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : toset([for arn in statement.Resource : split(":repository/", arn)[1]]) if statement.Sid == "Image"]) == toset([var.repository, "aws-guardduty-agent-fargate"])
    error_message = "it must pull its own image and GuardDuty's sensor, and no other"
  }

  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Condition if statement.Sid == "Limits"]) == {
      StringEquals = {
        "application-autoscaling:service-namespace"  = "ecs"
        "application-autoscaling:scalable-dimension" = "ecs:service:DesiredCount"
      }
    }
    error_message = "the limits of ECS services and of nothing else"
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.schedule.policy).Statement : statement] == [
      {
        Sid       = "Task", Effect = "Allow", Action = "ecs:RunTask"
        Resource  = "arn:aws:ecs:ap-south-1:123456789012:task-definition/indivillage-test-reconciler:*"
        Condition = { ArnEquals = { "ecs:cluster" = "arn:aws:ecs:ap-south-1:123456789012:cluster/indivillage-test" } }
      },
      {
        Sid       = "Roles", Effect = "Allow", Action = "iam:PassRole"
        Resource  = ["arn:aws:iam::123456789012:role/execution", "arn:aws:iam::123456789012:role/task"]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
    ]
    error_message = "the schedule may start this one task with its two roles"
  }

  assert {
    condition     = jsondecode(aws_iam_role.schedule.assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == aws_cloudwatch_event_rule.this.arn
    error_message = "only this rule may use the schedule's role"
  }

  assert {
    condition     = alltrue([for role in [aws_iam_role.execution, aws_iam_role.task] : jsondecode(role.assume_role_policy).Statement[0].Principal.Service == "ecs-tasks.amazonaws.com"])
    error_message = "only tasks may use the other two"
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Sid if statement.Resource == "*"] == ["RegistryLogin"]
    error_message = "ECS may pull this image and write this log on its behalf"
  }
}

run "no_limits_where_nothing_scales" {
  command = plan

  variables {
    autoscaling = false
  }

  assert {
    condition     = !contains([for statement in jsondecode(aws_iam_role_policy.task.policy).Statement : statement.Sid], "Limits")
    error_message = "the local cloud has no autoscaling whose limits could be set"
  }
}

run "refuses_a_schedule_that_is_none" {
  command = plan
  variables {
    schedule = "every minute"
  }
  expect_failures = [var.schedule]
}

run "refuses_a_parameter_without_a_slash" {
  command = plan
  variables {
    topology_parameter = "indivillage/test/topology"
  }
  expect_failures = [var.topology_parameter]
}
