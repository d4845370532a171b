# Amazon Managed Grafana: people sign in through IAM Identity Center, and see what one role may read: metrics and alarms of
# this account, no logs. What it shows is written down in infrastructure/grafana; what somebody draws by hand ends with it.
#
# It stands in the second region: AWS has none in ours, and there it outlives the first one.
resource "aws_grafana_workspace" "this" {
  provider = aws.replica
  count    = var.grafana == null ? 0 : 1

  name                     = var.prefix
  description              = "Dashboards of the account's environments"
  grafana_version          = "10.4"
  account_access_type      = "CURRENT_ACCOUNT"
  authentication_providers = ["AWS_SSO"]
  permission_type          = "CUSTOMER_MANAGED"
  role_arn                 = aws_iam_role.grafana[0].arn
  data_sources             = ["CLOUDWATCH"]

  # No administrator of Grafana adds code to it, and alarms are CloudWatch's. AWS answers with both: one alone would be a
  # change in every plan.
  configuration = jsonencode({ plugins = { pluginAdminEnabled = false }, unifiedAlerting = { enabled = false } })
}

resource "aws_grafana_role_association" "this" {
  provider = aws.replica
  for_each = var.grafana == null ? {} : var.grafana.groups

  workspace_id = aws_grafana_workspace.this[0].id
  role         = upper(each.key)
  group_ids    = each.value
}

resource "aws_iam_role" "grafana" {
  count = var.grafana == null ? 0 : 1

  name                 = "${var.prefix}-grafana"
  description          = "Grafana: reads metrics and alarms"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "grafana.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        StringLike   = { "aws:SourceArn" = "arn:aws:grafana:${var.grafana.region}:${var.account_id}:/workspaces/*" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "grafana" {
  count = var.grafana == null ? 0 : 1

  name = "read"
  role = aws_iam_role.grafana[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Metrics" # AWS knows no resource for these
        Effect   = "Allow"
        Action   = ["cloudwatch:DescribeAlarmsForMetric", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics"]
        Resource = "*"
      },
      {
        Sid      = "Alarms"
        Effect   = "Allow"
        Action   = ["cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms"]
        Resource = "arn:aws:cloudwatch:*:${var.account_id}:alarm:*"
      },
    ]
  })
}
