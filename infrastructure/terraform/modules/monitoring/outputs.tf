output "alarms" {
  description = "Names of the alarms that stop a release."
  value = sort(concat(
    [for alarm in values(aws_cloudwatch_metric_alarm.errors) : alarm.alarm_name],
    [for alarm in values(aws_cloudwatch_metric_alarm.latency) : alarm.alarm_name],
    [for alarm in values(aws_cloudwatch_metric_alarm.hosts) : alarm.alarm_name],
  ))
}

output "grafana" {
  description = "Where Grafana is; null without."
  value       = one([for workspace in aws_grafana_workspace.this : "https://${workspace.endpoint}"])
}
