# Each color is watched by itself, few requests do not cry wolf, and silence is no trouble.
mock_provider "aws" {}

mock_provider "aws" {
  alias = "replica"
}

variables {
  region               = "ap-south-1"
  account_id           = "123456789012"
  kms_key_arn          = "arn:aws:kms:ap-south-1:123456789012:key/1"
  cluster              = "indivillage-test"
  prefix               = "indivillage-test"
  load_balancer        = "app/test/50dc"
  public_target_groups = { blue = "targetgroup/front-blue/1", green = "targetgroup/front-green/2" }
  target_groups = {
    "frontend-blue" = { load_balancer = "app/test/50dc", target_group = "targetgroup/front-blue/1" }
    "backend-blue"  = { load_balancer = "app/inner/60dc", target_group = "targetgroup/back-blue/3" }
  }
  error_rate_percent = 1
  latency_p95_ms     = 1500
  period_s           = 60
}

run "each_color_is_watched_by_itself" {
  command = plan

  assert {
    condition = output.alarms == tolist([
      "indivillage-test-backend-blue-hosts", "indivillage-test-balancer-errors", "indivillage-test-blue-errors",
      "indivillage-test-blue-latency", "indivillage-test-frontend-blue-hosts", "indivillage-test-green-errors",
      "indivillage-test-green-latency",
    ])
    error_message = "the deployer must be told of every alarm"
  }

  assert {
    condition = alltrue([for color, group in var.public_target_groups : alltrue([
      for query in aws_cloudwatch_metric_alarm.errors["${color}-errors"].metric_query :
      length(query.metric) == 0 || try(one(query.metric).dimensions == tomap({ LoadBalancer = "app/test/50dc", TargetGroup = group }), false)
    ])])
    error_message = "the error rate of a color must be of its own target group"
  }

  assert {
    condition     = alltrue([for color, group in var.public_target_groups : aws_cloudwatch_metric_alarm.latency[color].dimensions["TargetGroup"] == group])
    error_message = "the latency of a color must be of its own target group"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.hosts["backend-blue"].dimensions == tomap({ LoadBalancer = "app/inner/60dc", TargetGroup = "targetgroup/back-blue/3" })
    error_message = "hosts must be watched behind the load balancer that they stand behind"
  }
}

run "thresholds" {
  command = plan

  assert {
    condition = alltrue([for color in ["blue", "green"] : aws_cloudwatch_metric_alarm.errors["${color}-errors"].threshold == 1 &&
      one([for query in aws_cloudwatch_metric_alarm.errors["${color}-errors"].metric_query : query.expression if query.id == "rate"]) == "IF(requests >= 299, 100 * FILL(errors, 0) / requests, 0)"
    ])
    error_message = "a rate of 1% needs 299 requests to be seen"
  }

  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.latency) : alarm.threshold == 1.5 && alarm.extended_statistic == "p95" && alarm.evaluate_low_sample_count_percentiles == "ignore"])
    error_message = "the 95th percentile is compared in seconds, and a few samples are none"
  }

  assert {
    condition = alltrue([for alarm in concat(
      values(aws_cloudwatch_metric_alarm.errors), values(aws_cloudwatch_metric_alarm.latency), values(aws_cloudwatch_metric_alarm.hosts),
    ) : alarm.treat_missing_data == "notBreaching" && alarm.comparison_operator == "GreaterThanThreshold"])
    error_message = "an idle color must not fire"
  }
}

run "another_rate_needs_other_numbers" {
  command = plan

  variables {
    error_rate_percent = 5
  }

  assert {
    condition     = strcontains(local.error_rate, "requests >= 59,")
    error_message = "a rate of 5% needs 59 requests to be seen"
  }
}

run "a_period_that_cloudwatch_has_not" {
  command = plan

  variables {
    period_s = 7
  }

  expect_failures = [var.period_s]
}

run "refuses_what_is_always_so" {
  command = plan

  variables {
    error_rate_percent = 0
    thresholds         = { memory_percent = 0 }
  }

  expect_failures = [var.error_rate_percent, var.thresholds]
}

run "refuses_to_call_everything_unusual" {
  command = plan
  variables {
    thresholds = { anomaly_deviations = 0 }
  }
  expect_failures = [var.thresholds]
}

run "refuses_backups_older_than_a_week" {
  command = plan
  variables {
    thresholds = { backup_age_hours = 169 }
  }
  expect_failures = [var.thresholds]
}

run "refuses_half_an_hour" {
  command = plan
  variables {
    thresholds = { backup_age_hours = 30.5 }
  }
  expect_failures = [var.thresholds]
}

run "refuses_a_disk_that_is_never_full" {
  command = plan
  variables {
    thresholds = { storage_free_percent = 0 }
  }
  expect_failures = [var.thresholds]
}
