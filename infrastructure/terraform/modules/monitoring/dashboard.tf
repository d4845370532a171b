# The environment on one page, for whoever an alarm has woken. What is not there (the database's metrics on the local cloud,
# a second region) has no graph. A line is a metric, the values of its dimensions, and the name that people read.
locals {
  elb    = "AWS/ApplicationELB"
  second = try(var.second_region.region, "")

  caches  = flatten([for cache in var.cache[*] : [for node in range(1, cache.nodes + 1) : format("%s-%03d", cache.group, node)]])
  copies  = var.second_region == null ? {} : var.replication
  replica = try(var.second_region.database, null)[*]

  graphs = [for graph in [
    { title = "Requests", stat = "Sum", lines = [
      for color, dimensions in local.colors : { metric = [local.elb, "RequestCount"], of = dimensions, label = color }
    ] },
    { title = "Answers 5xx", stat = "Sum", lines = concat(
      [for color, dimensions in local.colors : { metric = [local.elb, "HTTPCode_Target_5XX_Count"], of = dimensions, label = color }],
      [{ metric = [local.elb, "HTTPCode_ELB_5XX_Count"], of = local.balancer, label = "the load balancer's own" }],
    ) },
    { title = "Response time: 95th percentile (s)", stat = "p95", lines = [
      for color, dimensions in local.colors : { metric = [local.elb, "TargetResponseTime"], of = dimensions, label = color }
    ] },
    { title = "Traffic (bytes)", stat = "Sum", lines = [
      { metric = [local.elb, "ProcessedBytes"], of = local.balancer, label = "the public load balancer's" }
    ] },
    { title = "Hosts", stat = "Minimum", lines = flatten([for kind in ["Healthy", "UnHealthy"] : [for name, group in var.target_groups :
      { metric = [local.elb, "${kind}HostCount"], of = { LoadBalancer = group.load_balancer, TargetGroup = group.target_group }, label = "${name} ${lower(kind)}" }
    ]]) },
    { title = "Services: CPU and memory (%)", stat = "Average", lines = flatten([for metric in ["CPU", "Memory"] : [for key, name in var.services :
      { metric = ["AWS/ECS", "${metric}Utilization"], of = { ClusterName = var.cluster, ServiceName = name }, label = "${key} ${metric}" }
    ]]) },
    { title = "Database: CPU (%)", stat = "Average", lines = [for database in var.database[*] :
      { metric = ["AWS/RDS", "CPUUtilization"], of = { DBInstanceIdentifier = database.identifier }, label = "CPU" }
    ] },
    { title = "Database: free memory and storage (bytes)", stat = "Minimum", lines = flatten([for database in var.database[*] : [for metric in ["FreeableMemory", "FreeStorageSpace"] :
      { metric = ["AWS/RDS", metric], of = { DBInstanceIdentifier = database.identifier }, label = metric }
    ]]) },
    { title = "Database: connections", stat = "Average", lines = [for database in var.database[*] :
      { metric = ["AWS/RDS", "DatabaseConnections"], of = { DBInstanceIdentifier = database.identifier }, label = "connections" }
    ] },
    { title = "Cache: CPU and memory (%)", stat = "Average", lines = flatten([for metric in ["EngineCPUUtilization", "DatabaseMemoryUsagePercentage"] : [for node in local.caches :
      { metric = ["AWS/ElastiCache", metric], of = { CacheClusterId = node }, label = "${node} ${metric}" }
    ]]) },
    { title = "Backups", stat = "Sum", lines = flatten([for vault in var.backup_vault[*] : [for state in ["Completed", "Failed", "Expired"] :
      { metric = ["AWS/Backup", "NumberOfBackupJobs${state}"], of = { BackupVaultName = vault }, label = lower(state) }
    ]]) },
    { title = "Second region: behind by (s)", stat = "Maximum", region = local.second, lines = concat(
      [for role, dimensions in local.copies : { metric = ["AWS/S3", "ReplicationLatency"], of = dimensions, label = role }],
      [for identifier in local.replica : { metric = ["AWS/RDS", "ReplicaLag"], of = { DBInstanceIdentifier = identifier }, label = "database" }],
    ) },
    { title = "Second region: waits to be copied (objects)", stat = "Maximum", region = local.second, lines = [for role, dimensions in local.copies :
      { metric = ["AWS/S3", "OperationsPendingReplication"], of = dimensions, label = role }
    ] },
  ] : merge({ region = var.region }, graph) if length(graph.lines) > 0]

  alarms = concat(
    values(aws_cloudwatch_metric_alarm.errors), values(aws_cloudwatch_metric_alarm.latency), values(aws_cloudwatch_metric_alarm.hosts),
    values(aws_cloudwatch_metric_alarm.operations), values(aws_cloudwatch_metric_alarm.unusual),
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.prefix
  dashboard_body = jsonencode({ widgets = concat(
    [{
      type       = "alarm"
      x          = 0, y = 0, width = 24, height = 4
      properties = { title = "Alarms", alarms = sort(local.alarms[*].arn) }
    }],
    # Two side by side.
    [for place, graph in local.graphs : {
      type = "metric"
      x    = place % 2 * 12, y = 4 + floor(place / 2) * 6, width = 12, height = 6
      properties = {
        title   = graph.title
        region  = graph.region
        stat    = graph.stat
        period  = 60
        metrics = [for line in graph.lines : concat(line.metric, flatten([for name, value in line.of : [name, value]]), [{ label = line.label }])]
      }
    }],
  ) })
}
