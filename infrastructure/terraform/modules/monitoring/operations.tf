# What people have to hear of and no release: room that runs out, copies that fall behind, backups that are missing. Names
# start with `ops-`, which no gate of the deployer looks at. Each of these metrics is AWS's: the local cloud has none.
locals {
  gib = 1024 * 1024 * 1024

  # RDS does not say how much memory a class has; within these families it doubles from size to size.
  memory_gib = { micro = 1, small = 2, medium = 4, large = 8, xlarge = 16, "2xlarge" = 32, "4xlarge" = 64 }

  usual = { statistic = "Average", comparison = "GreaterThanThreshold", period_s = 300, periods = 3, missing = "notBreaching", critical = false }

  # Autoscaling aims lower: who is up here for a quarter of an hour has no more tasks to get, or does not get them.
  of_services = [for pair in setproduct(keys(var.services), ["cpu", "memory"]) : merge(local.usual, {
    key        = "${pair[0]}-${pair[1]}"
    text       = "The tasks of ${pair[0]} have used more than ${var.thresholds["${pair[1]}_percent"]}% of their ${pair[1]} for a quarter of an hour"
    namespace  = "AWS/ECS"
    metric     = pair[1] == "cpu" ? "CPUUtilization" : "MemoryUtilization"
    dimensions = { ClusterName = var.cluster, ServiceName = var.services[pair[0]] }
    threshold  = var.thresholds["${pair[1]}_percent"]
  })]

  of_database = flatten([for database in var.database[*] : [for alarm in [
    {
      key       = "cpu"
      text      = "The database has used more than ${var.thresholds.cpu_percent}% of its CPU for a quarter of an hour, or says nothing any more"
      metric    = "CPUUtilization"
      threshold = var.thresholds.cpu_percent
      missing   = "breaching"
      critical  = true
    },
    {
      key        = "memory"
      text       = "Less than a tenth of the database's memory is free"
      metric     = "FreeableMemory"
      comparison = "LessThanThreshold"
      threshold  = floor(local.memory_gib[split(".", database.instance_class)[2]] * local.gib / 10)
    },
    {
      key        = "storage"
      text       = "Less than ${var.thresholds.storage_free_percent}% of the database's storage is free: when it is full the database stops"
      metric     = "FreeStorageSpace"
      comparison = "LessThanThreshold"
      threshold  = floor(database.storage_gb * local.gib * var.thresholds.storage_free_percent / 100)
      critical   = true
    },
  ] : merge(local.usual, { namespace = "AWS/RDS", dimensions = { DBInstanceIdentifier = database.identifier } }, alarm, { key = "database-${alarm.key}" })]])

  # ElastiCache numbers the nodes of a group from 001.
  of_cache = flatten([for cache in var.cache[*] : [for node in range(1, cache.nodes + 1) : [for alarm in concat([
    {
      key       = "cpu"
      text      = "Redis has used more than ${var.thresholds.cpu_percent}% of its CPU on node ${node} for a quarter of an hour"
      metric    = "EngineCPUUtilization"
      threshold = var.thresholds.cpu_percent
    },
    {
      key       = "memory"
      text      = "More than ${var.thresholds.memory_percent}% of the memory for data is used on node ${node} of the cache"
      metric    = "DatabaseMemoryUsagePercentage"
      threshold = var.thresholds.memory_percent
    },
    ], cache.nodes == 1 ? [] : [{
      key       = "lag"
      text      = "Node ${node} of the cache is more than ${var.thresholds.rpo_s} s behind: a failover would lose as much"
      metric    = "ReplicationLag" # only a replica has one, whichever node that is
      threshold = var.thresholds.rpo_s
  }]) : merge(local.usual, { namespace = "AWS/ElastiCache", dimensions = { CacheClusterId = format("%s-%03d", cache.group, node) } }, alarm, { key = "cache-${node}-${alarm.key}" })]]])

  of_backups = flatten([for vault in var.backup_vault[*] : [for alarm in concat([
    {
      key        = "age"
      text       = "The newest backup of the database is older than ${var.thresholds.backup_age_hours} hours"
      metric     = "NumberOfBackupJobsCompleted"
      comparison = "LessThanThreshold"
      threshold  = 1
      period_s   = 3600
      periods    = var.thresholds.backup_age_hours
      missing    = "breaching"
    },
    { key = "failed", text = "A backup of the database failed", metric = "NumberOfBackupJobsFailed" },
    { key = "expired", text = "A backup of the database did not begin in its time", metric = "NumberOfBackupJobsExpired" },
    ], var.second_region == null ? [] : [
    { key = "copy-failed", text = "A backup of the database did not get to the second region", metric = "NumberOfCopyJobsFailed" },
    ]) : merge(local.usual, { namespace = "AWS/Backup", dimensions = { BackupVaultName = vault }, statistic = "Sum", threshold = 0, periods = 1, critical = true },
  alarm, { key = "backup-${alarm.key}" })]])

  # Latency and what is pending is measured where the copies arrive (second_region.tf), failures where they start.
  of_replication = [for role, dimensions in var.replication : merge(local.usual, {
    key        = "replication-${role}-failed"
    text       = "An object of ${role} was not copied to the second region, and will not be by itself"
    namespace  = "AWS/S3"
    metric     = "OperationsFailedReplication"
    dimensions = dimensions
    statistic  = "Sum"
    threshold  = 0
    periods    = 1
    critical   = true
  })]

  operations = { for alarm in concat(local.of_services, local.of_database, local.of_cache, local.of_backups, local.of_replication) : alarm.key => alarm }
}

resource "aws_cloudwatch_metric_alarm" "operations" {
  for_each = local.operations

  alarm_name          = "${var.prefix}-ops-${each.key}"
  alarm_description   = each.value.text
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.period_s
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = each.value.critical ? local.page : local.tell
  ok_actions          = each.value.critical ? local.page : local.tell
}
