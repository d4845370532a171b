# What people hear of and no release: each alarm looks at what it says, those that matter page, and nothing of it is there
# where nobody measures it. Few runs with many assertions: each plan takes seconds, each assertion nothing.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:ap-south-1:123456789012:a" }
  }
  mock_resource "aws_cloudwatch_metric_alarm" {
    defaults = { arn = "arn:aws:cloudwatch:ap-south-1:123456789012:alarm:a" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/a" }
  }

  # Whether somebody is told, or paged, shows only when the topics are told apart.
  override_resource {
    target          = aws_sns_topic.this["alerts"]
    override_during = plan
    values          = { arn = "arn:aws:sns:ap-south-1:123456789012:alerts" }
  }
  override_resource {
    target          = aws_sns_topic.this["critical"]
    override_during = plan
    values          = { arn = "arn:aws:sns:ap-south-1:123456789012:critical" }
  }
}

mock_provider "aws" {
  alias           = "replica"
  override_during = plan

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:ap-southeast-1:123456789012:critical" }
  }
  mock_resource "aws_grafana_workspace" {
    defaults = { endpoint = "g-1.grafana-workspace.ap-southeast-1.amazonaws.com" }
  }
}

variables {
  prefix               = "indivillage-test"
  region               = "ap-south-1"
  account_id           = "123456789012"
  kms_key_arn          = "arn:aws:kms:ap-south-1:123456789012:key/1"
  load_balancer        = "app/test/50dc"
  public_target_groups = { blue = "targetgroup/front-blue/1", green = "targetgroup/front-green/2" }
  target_groups = {
    "frontend-blue" = { load_balancer = "app/test/50dc", target_group = "targetgroup/front-blue/1" }
  }
  error_rate_percent = 1
  latency_p95_ms     = 1500
  period_s           = 60
  cluster            = "indivillage-test"
}

run "everything" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"

    emails       = ["ops@example.org"]
    phones       = ["+911234567890"]
    services     = { "frontend-blue" = "indivillage-test-frontend-blue", "backend-green" = "indivillage-test-backend-green" }
    database     = { identifier = "indivillage-test", instance_class = "db.m7g.large", storage_gb = 100 }
    cache        = { group = "indivillage-test", nodes = 2 }
    backup_vault = "vault"
    replication = {
      forms   = { SourceBucket = "forms", DestinationBucket = "forms-copy", RuleId = "second-region" }
      uploads = { SourceBucket = "uploads", DestinationBucket = "uploads-copy", RuleId = "second-region" }
    }
    second_region = { region = "ap-southeast-1", kms_key_arn = "arn:aws:kms:ap-southeast-1:123456789012:key/2", database = "indivillage-test-replica" }
    anomalies     = true
    grafana       = { region = "ap-southeast-1", groups = { viewer = ["group-1"], admin = ["group-2"] } }
  }

  # Alarms.
  assert {
    condition = toset(keys(local.operations)) == toset([
      "frontend-blue-cpu", "frontend-blue-memory", "backend-green-cpu", "backend-green-memory",
      "database-cpu", "database-memory", "database-storage",
      "cache-1-cpu", "cache-1-memory", "cache-1-lag", "cache-2-cpu", "cache-2-memory", "cache-2-lag",
      "backup-age", "backup-failed", "backup-expired", "backup-copy-failed",
      "replication-forms-failed", "replication-uploads-failed",
    ])
    error_message = "everything that can run out, fall behind or be missing must be watched"
  }

  assert {
    condition = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.operations), values(aws_cloudwatch_metric_alarm.unusual), values(aws_cloudwatch_metric_alarm.arriving)) :
    startswith(alarm.alarm_name, "indivillage-test-ops-") && !contains(output.alarms, alarm.alarm_name)])
    error_message = "what people hear of must stop no release"
  }

  assert {
    condition     = length(output.alarms) == 6 && !anytrue([for name in output.alarms : startswith(name, "indivillage-test-ops-")])
    error_message = "the gates must stay the alarms of errors, latency and hosts"
  }

  assert {
    condition = alltrue([for key in ["frontend-blue", "backend-green"] : alltrue([for kind, metric in { cpu = "CPUUtilization", memory = "MemoryUtilization" } :
      aws_cloudwatch_metric_alarm.operations["${key}-${kind}"].metric_name == metric && aws_cloudwatch_metric_alarm.operations["${key}-${kind}"].threshold == 85 &&
      aws_cloudwatch_metric_alarm.operations["${key}-${kind}"].dimensions == tomap({ ClusterName = "indivillage-test", ServiceName = "indivillage-test-${key}" })
    ])])
    error_message = "each color of each service must be watched by itself"
  }

  assert {
    condition = (aws_cloudwatch_metric_alarm.operations["database-memory"].threshold == floor(8 * 1024 * 1024 * 1024 / 10) && aws_cloudwatch_metric_alarm.operations["database-storage"].threshold == 15 * 1024 * 1024 * 1024 &&
      alltrue([for key in ["memory", "storage"] : aws_cloudwatch_metric_alarm.operations["database-${key}"].comparison_operator == "LessThanThreshold"]) &&
    aws_cloudwatch_metric_alarm.operations["database-cpu"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.operations["database-cpu"].dimensions == tomap({ DBInstanceIdentifier = "indivillage-test" }))
    error_message = "the database must be measured by its own size, and its silence be trouble"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.operations["cache-2-lag"].dimensions == tomap({ CacheClusterId = "indivillage-test-002" }) && aws_cloudwatch_metric_alarm.operations["cache-1-cpu"].metric_name == "EngineCPUUtilization"
    error_message = "each node of the cache must be watched"
  }

  assert {
    condition = (aws_cloudwatch_metric_alarm.operations["backup-age"].comparison_operator == "LessThanThreshold" && aws_cloudwatch_metric_alarm.operations["backup-age"].threshold == 1 &&
      aws_cloudwatch_metric_alarm.operations["backup-age"].period * aws_cloudwatch_metric_alarm.operations["backup-age"].evaluation_periods == 28 * 3600 &&
      aws_cloudwatch_metric_alarm.operations["backup-age"].treat_missing_data == "breaching" && alltrue([for key in ["failed", "expired", "copy-failed"] :
    aws_cloudwatch_metric_alarm.operations["backup-${key}"].threshold == 0 && aws_cloudwatch_metric_alarm.operations["backup-${key}"].dimensions == tomap({ BackupVaultName = "vault" })]))
    error_message = "a day without a backup must be noticed, and each that fails"
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.arriving : key => "${alarm.metric_name} ${alarm.threshold} ${alarm.treat_missing_data}" } == {
      "replication-forms-latency"   = "ReplicationLatency 300 breaching"
      "replication-uploads-latency" = "ReplicationLatency 300 breaching"
      "replication-forms-pending"   = "OperationsPendingReplication 0 notBreaching"
      "replication-uploads-pending" = "OperationsPendingReplication 0 notBreaching"
      "database-replica-lag"        = "ReplicaLag 300 breaching"
    }
    error_message = "where copies arrive it must be noticed that they are late, and that nobody measures it"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.arriving["replication-forms-latency"].dimensions == tomap({ SourceBucket = "forms", DestinationBucket = "forms-copy", RuleId = "second-region" }) && aws_cloudwatch_metric_alarm.arriving["database-replica-lag"].dimensions == tomap({ DBInstanceIdentifier = "indivillage-test-replica" })
    error_message = "each copy must be watched by itself"
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.unusual : key => alarm.comparison_operator } == {
      requests    = "LessThanLowerOrGreaterThanUpperThreshold"
      latency     = "GreaterThanUpperThreshold"
      refused     = "GreaterThanUpperThreshold"
      connections = "GreaterThanUpperThreshold"
    }
    error_message = "few visitors are as unusual as many; few errors are not"
  }

  assert {
    condition = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.unusual) : alarm.threshold_metric_id == "usual" &&
    one([for query in alarm.metric_query : query.expression if query.id == "usual"]) == "ANOMALY_DETECTION_BAND(measured, 3)"])
    error_message = "what is unusual must be compared with what is usual"
  }

  # Who hears of it.
  assert {
    condition = alltrue([for alarm in concat(
      values(aws_cloudwatch_metric_alarm.errors), values(aws_cloudwatch_metric_alarm.hosts), values(aws_cloudwatch_metric_alarm.arriving),
      [for key in ["database-cpu", "database-storage", "backup-age", "backup-failed", "replication-forms-failed"] : aws_cloudwatch_metric_alarm.operations[key]],
    ) : endswith(one(alarm.alarm_actions), ":critical") && alarm.ok_actions == alarm.alarm_actions])
    error_message = "what harms visitors or their data must page"
  }

  assert {
    condition = alltrue([for alarm in concat(
      values(aws_cloudwatch_metric_alarm.latency), values(aws_cloudwatch_metric_alarm.unusual), [aws_cloudwatch_metric_alarm.operations["frontend-blue-cpu"]],
    ) : endswith(one(alarm.alarm_actions), ":alerts") && alarm.ok_actions == alarm.alarm_actions])
    error_message = "what can wait until the morning must wake nobody"
  }

  assert {
    condition = alltrue([for policy in concat(values(aws_sns_topic_policy.this), values(aws_sns_topic_policy.second)) : [for statement in jsondecode(policy.policy).Statement : "${statement.Effect} ${statement.Action}"] == ["Allow sns:Publish", "Deny sns:Publish"] &&
      jsondecode(policy.policy).Statement[0].Principal == { Service = "cloudwatch.amazonaws.com" } && jsondecode(policy.policy).Statement[0].Condition == {
        StringEquals                                                = { "aws:SourceAccount" = "123456789012" }
        ArnLike                                                     = { "aws:SourceArn" = "arn:aws:cloudwatch:*:123456789012:alarm:indivillage-test-*" }
    } && jsondecode(policy.policy).Statement[1].Condition == { Bool = { "aws:SecureTransport" = "false" } }])
    error_message = "only this environment's alarms may publish, over TLS"
  }

  assert {
    condition     = alltrue([for topic in values(aws_sns_topic.this) : topic.kms_master_key_id == var.kms_key_arn]) && aws_sns_topic.second["critical"].kms_master_key_id == var.second_region.kms_key_arn
    error_message = "topics must be encrypted with the key of their region"
  }

  assert {
    condition = (toset(keys(aws_sns_topic_subscription.mail)) == toset(["alerts ops@example.org", "critical ops@example.org"]) && [for message in values(aws_sns_topic_subscription.text) : "${message.protocol} ${message.topic_arn}"] == ["sms arn:aws:sns:ap-south-1:123456789012:critical"] &&
    { for endpoint, subscription in aws_sns_topic_subscription.second : endpoint => subscription.protocol } == { "ops@example.org" = "email", "+911234567890" = "sms" })
    error_message = "mail for everything, text messages for what is critical, from both regions"
  }

  # Where it can be looked at.
  assert {
    condition = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.title] == [
      "Alarms", "Requests", "Answers 5xx", "Response time: 95th percentile (s)", "Traffic (bytes)", "Hosts", "Services: CPU and memory (%)", "Database: CPU (%)", "Database: free memory and storage (bytes)",
      "Database: connections", "Cache: CPU and memory (%)", "Backups", "Second region: behind by (s)", "Second region: waits to be copied (objects)",
    ]
    error_message = "the dashboard must show everything that is watched"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[1].properties.metrics == [for color, group in var.public_target_groups :
      ["AWS/ApplicationELB", "RequestCount", "LoadBalancer", "app/test/50dc", "TargetGroup", group, { label = color }]
    ] && [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.region if startswith(widget.properties.title, "Second region")] == ["ap-southeast-1", "ap-southeast-1"]
    error_message = "each color must have its line, and each graph its region"
  }

  assert {
    condition     = length(distinct([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : "${widget.x} ${widget.y}"])) == 14
    error_message = "no graph may cover another"
  }

  assert {
    condition     = toset(keys(merge(aws_cloudwatch_log_group.database, aws_cloudwatch_log_group.services))) == toset(["/aws/rds/instance/indivillage-test/postgresql", "/aws/rds/instance/indivillage-test/upgrade", "/aws/ecs/containerinsights/indivillage-test/performance"]) && alltrue([for group in values(merge(aws_cloudwatch_log_group.database, aws_cloudwatch_log_group.services)) : group.retention_in_days == 30 && group.kms_key_id == var.kms_key_arn])
    error_message = "what AWS's services log must have an end and a key"
  }

  # Grafana.
  assert {
    condition = (aws_grafana_workspace.this[0].authentication_providers == tolist(["AWS_SSO"]) && aws_grafana_workspace.this[0].account_access_type == "CURRENT_ACCOUNT" && aws_grafana_workspace.this[0].permission_type == "CUSTOMER_MANAGED" &&
    { for name, association in aws_grafana_role_association.this : association.role => association.group_ids } == { ADMIN = toset(["group-2"]), VIEWER = toset(["group-1"]) } && output.grafana == "https://g-1.grafana-workspace.ap-southeast-1.amazonaws.com")
    error_message = "people must sign in through IAM Identity Center, in the groups that are named, in the region that has Grafana"
  }

  assert {
    condition     = alltrue([for action in flatten(jsondecode(aws_iam_role_policy.grafana[0].policy).Statement[*].Action) : can(regex("^cloudwatch:(Describe|Get|List)", action))]) && aws_iam_role.grafana[0].permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    error_message = "Grafana must read metrics and alarms, and nothing else"
  }

  assert {
    condition     = jsondecode(aws_grafana_workspace.this[0].configuration) == { plugins = { pluginAdminEnabled = false }, unifiedAlerting = { enabled = false } }
    error_message = "nobody may add code to Grafana, and what AWS answers with must be what was said"
  }

  assert {
    condition = one(jsondecode(aws_iam_role.grafana[0].assume_role_policy).Statement).Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      StringLike   = { "aws:SourceArn" = "arn:aws:grafana:ap-southeast-1:123456789012:/workspaces/*" }
    }
    error_message = "no other account's Grafana may take the role"
  }
}

run "local_cloud" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.operations) + length(aws_cloudwatch_metric_alarm.unusual) + length(aws_cloudwatch_metric_alarm.arriving) + length(aws_sns_topic.second) + length(aws_cloudwatch_log_group.services) + length(aws_cloudwatch_log_group.database) + length(aws_grafana_workspace.this) + length(aws_iam_role.grafana) == 0 && output.grafana == null
    error_message = "what nobody measures must not be watched"
  }

  assert {
    condition     = length(output.alarms) == 6 && length(aws_sns_topic.this) == 2 && [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.title] == ["Alarms", "Requests", "Answers 5xx", "Response time: 95th percentile (s)", "Traffic (bytes)", "Hosts"]
    error_message = "what load balancers measure must be told and shown"
  }
}

run "small_and_in_one_region" {
  command = plan

  variables {
    database      = { identifier = "indivillage-test", instance_class = "db.t4g.micro", storage_gb = 20 }
    cache         = { group = "indivillage-test", nodes = 1 }
    backup_vault  = "vault"
    thresholds    = { cpu_percent = 50, backup_age_hours = 48, rpo_s = null }
    second_region = null
  }

  assert {
    condition     = toset(keys(local.operations)) == toset(["database-cpu", "database-memory", "database-storage", "cache-1-cpu", "cache-1-memory", "backup-age", "backup-failed", "backup-expired"])
    error_message = "one node cannot lag, and without a second region nothing is copied"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.operations["database-cpu"].threshold == 50 && aws_cloudwatch_metric_alarm.operations["backup-age"].evaluation_periods == 48 && var.thresholds.rpo_s == 300 && length(aws_cloudwatch_metric_alarm.unusual) == 0
    error_message = "what an environment leaves out must have its default"
  }
}

run "copies_without_a_database_replica" {
  command = plan

  variables {
    replication   = { forms = { SourceBucket = "forms", DestinationBucket = "forms-copy", RuleId = "second-region" } }
    second_region = { region = "ap-southeast-1", kms_key_arn = "arn:aws:kms:ap-southeast-1:123456789012:key/2" }
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.arriving)) == toset(["replication-forms-latency", "replication-forms-pending"])
    error_message = "what is not there cannot lag"
  }
}

run "refuses_what_makes_no_sense" {
  command = plan

  variables {
    error_rate_percent = 100
    thresholds         = { cpu_percent = 100 }
    phones             = ["0123"]
    database           = { identifier = "indivillage-test", instance_class = "db.x2g.large", storage_gb = 20 }
    grafana            = { region = "ap-southeast-1", groups = { owner = ["group-1"] } }
  }

  expect_failures = [var.error_rate_percent, var.thresholds, var.phones, var.database, var.grafana]
}

run "refuses_a_region_without_grafana" {
  command = plan

  variables {
    grafana    = { region = "ap-south-1", groups = {} }
    thresholds = { rpo_s = 0 }
  }

  expect_failures = [var.grafana, var.thresholds]
}

run "refuses_backups_that_are_never_old" {
  command = plan

  variables {
    thresholds = { backup_age_hours = 24 }
  }

  expect_failures = [var.thresholds]
}
