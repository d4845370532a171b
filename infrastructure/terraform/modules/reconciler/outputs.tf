output "topology" {
  description = "What the deployer needs in order to describe the task: names, roles, log group."
  value = {
    repository     = var.repository
    family         = local.name
    execution_role = aws_iam_role.execution.arn
    task_role      = aws_iam_role.task.arn
    log_group      = aws_cloudwatch_log_group.this.name
  }
}
