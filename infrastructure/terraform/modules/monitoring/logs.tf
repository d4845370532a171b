# Log groups that AWS's services would make for themselves, for ever and under no key of ours: here before they do, so what
# is the database's waits for nothing but the key: RDS makes its own within minutes, and then there is no second one. The
# others stand with what writes to them. RDSOSMetrics is the account's: RDS makes it with 30 days.
resource "aws_cloudwatch_log_group" "database" {
  for_each = toset(flatten([for database in var.database[*] : [for log in ["postgresql", "upgrade"] : "/aws/rds/instance/${database.identifier}/${log}"]]))

  name              = each.value
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# Container Insights makes its own with the first task, which is a release's.
resource "aws_cloudwatch_log_group" "services" {
  for_each = toset(length(var.services) == 0 ? [] : ["/aws/ecs/containerinsights/${var.cluster}/performance"])

  name              = each.value
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
