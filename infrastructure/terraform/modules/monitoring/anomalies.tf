# Unusual patterns: what no threshold describes, since it depends on hour and weekday. CloudWatch learns from two weeks what
# is usual, and says so when 15 minutes in a row are not. Nobody is woken by it.
locals {
  balancer = { LoadBalancer = var.load_balancer }

  unusual = { for alarm in concat(
    !var.anomalies ? [] : [
      { key = "requests", what = "the number of requests", both = true, namespace = "AWS/ApplicationELB", metric = "RequestCount", stat = "Sum", dimensions = local.balancer },
      { key = "latency", what = "the 95th percentile of response times", both = false, namespace = "AWS/ApplicationELB", metric = "TargetResponseTime", stat = "p95", dimensions = local.balancer },
      { key = "refused", what = "the number of refused requests (4xx)", both = false, namespace = "AWS/ApplicationELB", metric = "HTTPCode_Target_4XX_Count", stat = "Sum", dimensions = local.balancer },
    ],
    [for database in var.anomalies ? var.database[*] : [] :
      { key = "connections", what = "the number of connections to the database", both = false, namespace = "AWS/RDS", metric = "DatabaseConnections", stat = "Average", dimensions = { DBInstanceIdentifier = database.identifier } }
    ],
  ) : alarm.key => alarm }
}

resource "aws_cloudwatch_metric_alarm" "unusual" {
  for_each = local.unusual

  alarm_name          = "${var.prefix}-ops-unusual-${each.key}"
  alarm_description   = "For this hour and weekday ${each.value.what} is unusual"
  comparison_operator = each.value.both ? "LessThanLowerOrGreaterThanUpperThreshold" : "GreaterThanUpperThreshold"
  threshold_metric_id = "usual"
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.tell
  ok_actions          = local.tell

  metric_query {
    id          = "usual"
    label       = "what is usual"
    expression  = "ANOMALY_DETECTION_BAND(measured, ${var.thresholds.anomaly_deviations})"
    return_data = true
  }

  metric_query {
    id          = "measured"
    return_data = true

    metric {
      namespace   = each.value.namespace
      metric_name = each.value.metric
      dimensions  = each.value.dimensions
      stat        = each.value.stat
      period      = 300
    }
  }
}
