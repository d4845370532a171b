# Somebody comes back even when nobody does: a schedule that runs the deployer's own image as a task. A deployment that
# was killed with the traffic split is put back by it when its lease ends, a minute after the run's last sign of life.
locals {
  name   = "${var.prefix}-reconciler"
  family = "arn:aws:ecs:${var.region}:${var.account_id}:task-definition/${local.name}"
  image  = "arn:aws:ecr:${var.region}:${var.account_id}:repository/${var.repository}"
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${replace(var.prefix, "-", "/")}/reconciler"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_groups_kms_key_arn
}

resource "aws_cloudwatch_event_rule" "this" {
  name                = local.name
  description         = "Settles what a deployment that was cut off left behind"
  schedule_expression = var.schedule
}

# The family without a revision is the newest active one: the deployer registers revisions, and nothing here follows.
# Until its first release there is none, and the rule's invocations fail, which harms nobody.
resource "aws_cloudwatch_event_target" "this" {
  rule      = aws_cloudwatch_event_rule.this.name
  target_id = "reconciler"
  arn       = "arn:aws:ecs:${var.region}:${var.account_id}:cluster/${var.cluster}"
  role_arn  = aws_iam_role.schedule.arn

  # A minute later the next one comes: a task that could not be started is not worth another try.
  retry_policy {
    maximum_retry_attempts       = 0
    maximum_event_age_in_seconds = 60
  }

  ecs_target {
    task_definition_arn = local.family
    launch_type         = "FARGATE"
    task_count          = 1

    network_configuration {
      subnets          = var.subnets
      security_groups  = var.security_groups
      assign_public_ip = false
    }
  }
}
