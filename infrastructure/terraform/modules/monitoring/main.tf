# The alarms that stop a release: failed requests and slow answers of each color, answers that are the load balancer's
# own, and targets that stay unhealthy. No data is no trouble here; the deployer itself insists on having some. What is
# not for a release to stop at stands in operations.tf, under names that start otherwise.
locals {
  # Fewer requests cannot show a rate this low with 95% confidence: ln 0.05 / ln(1 - rate).
  enough_requests = ceil(log(0.05, 1 - var.error_rate_percent / 100))
  error_rate      = "IF(requests >= ${local.enough_requests}, 100 * FILL(errors, 0) / requests, 0)"

  # A request that found no target is not among RequestCount.
  all          = "(FILL(requests, 0) + errors)"
  refused_rate = "IF(${local.all} >= ${local.enough_requests}, 100 * errors / ${local.all}, 0)"

  colors = { for color, group in var.public_target_groups : color => {
    LoadBalancer = var.load_balancer
    TargetGroup  = group
  } }

  # Name -> the metric that counts failures, and whose they are.
  failures = merge(
    { for color, dimensions in local.colors : "${color}-errors" => {
      metric     = "HTTPCode_Target_5XX_Count"
      dimensions = dimensions
      rate       = local.error_rate
      of         = "of the ${color} tasks"
    } },
    { "balancer-errors" = {
      metric     = "HTTPCode_ELB_5XX_Count"
      dimensions = { LoadBalancer = var.load_balancer }
      rate       = local.refused_rate
      of         = "that reached no task"
    } },
  )
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = local.failures

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = "More than ${var.error_rate_percent}% of the requests ${each.value.of} fail with 5xx"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.error_rate_percent
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.page
  ok_actions          = local.page

  metric_query {
    id          = "rate"
    label       = "percent of failed requests"
    expression  = each.value.rate
    return_data = true
  }

  metric_query {
    id = "errors"

    metric {
      namespace   = "AWS/ApplicationELB"
      metric_name = each.value.metric
      dimensions  = each.value.dimensions
      stat        = "Sum"
      period      = var.period_s
    }
  }

  metric_query {
    id = "requests"

    metric {
      namespace   = "AWS/ApplicationELB"
      metric_name = "RequestCount"
      dimensions  = each.value.dimensions
      stat        = "Sum"
      period      = var.period_s
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  for_each = local.colors

  alarm_name                            = "${var.prefix}-${each.key}-latency"
  alarm_description                     = "One in twenty answers of the ${each.key} tasks takes longer than ${var.latency_p95_ms} ms"
  namespace                             = "AWS/ApplicationELB"
  metric_name                           = "TargetResponseTime"
  dimensions                            = each.value
  extended_statistic                    = "p95"
  evaluate_low_sample_count_percentiles = "ignore"
  comparison_operator                   = "GreaterThanThreshold"
  threshold                             = var.latency_p95_ms / 1000
  period                                = var.period_s
  evaluation_periods                    = 1
  treat_missing_data                    = "notBreaching"
  alarm_actions                         = local.tell
  ok_actions                            = local.tell
}

# The least number within a period: a task that starts is unhealthy for a moment, and that is no trouble.
resource "aws_cloudwatch_metric_alarm" "hosts" {
  for_each = var.target_groups

  alarm_name          = "${var.prefix}-${each.key}-hosts"
  alarm_description   = "A target of ${each.key} stays unhealthy"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  dimensions          = { LoadBalancer = each.value.load_balancer, TargetGroup = each.value.target_group }
  statistic           = "Minimum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = var.period_s
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.page
  ok_actions          = local.page
}
