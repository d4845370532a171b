# Log groups that AWS's services would make for themselves, for ever and under no key of ours: here before they do. The
# others stand with what writes to them. RDSOSMetrics is the account's: RDS makes it with 30 days.
resource "aws_cloudwatch_log_group" "services" {
  for_each = toset(concat(
    [for database in var.database[*] : "/aws/rds/instance/${database.identifier}/postgresql"],
    [for database in var.database[*] : "/aws/rds/instance/${database.identifier}/upgrade"],
    length(var.services) == 0 ? [] : ["/aws/ecs/containerinsights/${var.cluster}/performance"],
  ))

  name              = each.value
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
