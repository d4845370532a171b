# Who may do what. Few runs with many assertions: each plan takes seconds, each assertion nothing.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:ap-south-1:123456789012:key/1" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/a" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/a" }
  }
  mock_resource "aws_iam_service_linked_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:ap-south-1:123456789012:a" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:ap-south-1:123456789012:rule/a" }
  }
}

variables {
  prefix               = "indivillage-prod"
  short_name           = "prod"
  environment          = "production"
  account_id           = "123456789012"
  region               = "ap-south-1"
  replica_region       = "ap-southeast-1"
  domain               = "www.indivillage.com"
  state_bucket         = "indivillage-prod-state-123456789012"
  config_bucket        = "logs"
  basic_auth           = false
  recovery_window_days = 30
  people = {
    roles     = { developer = "read", qa = "read", devops = "full", product_owner = "approve" }
    admin_mfa = true
  }
  ci = { repository = "indivillage/indivillage.com", branch = "main", environment = "production" }
}

run "production" {
  command = plan

  # People.
  assert {
    condition     = { for role in values(aws_iam_role.person) : role.name => jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["aws:PrincipalTag/indivillage-role"] } == { for name in ["developer", "qa", "devops", "product-owner"] : "indivillage-prod-${name}" => name }
    error_message = "each of the four roles must be taken by those who bear its name, and by nobody else"
  }

  assert {
    condition = try(jsondecode(aws_iam_role.person["devops"].assume_role_policy).Statement[0].Condition.Bool["aws:MultiFactorAuthPresent"] == "true", false) && try(
    jsondecode(aws_iam_role.person["devops"].assume_role_policy).Statement[0].Condition.NumericLessThan["aws:MultiFactorAuthAge"] == "3600", false)
    error_message = "who may change production needs a second factor, a fresh one"
  }

  assert {
    condition     = !can(jsondecode(aws_iam_role.person["developer"].assume_role_policy).Statement[0].Condition.Bool)
    error_message = "looking needs none"
  }

  assert {
    condition = { for holder in ["developer", "qa", "product_owner"] : holder => join(" ", sort([for held in values(local.held) : held.block if held.holder == holder])) } == {
      developer     = "read"
      qa            = "read"
      product_owner = "approve read"
    }
    error_message = "in production nobody but DevOps may do more than look and approve"
  }

  assert {
    condition     = alltrue([for role in concat(values(aws_iam_role.person), aws_iam_role.ci) : role.permissions_boundary == aws_iam_policy.boundary["people"].arn])
    error_message = "everybody must stay within the boundary"
  }

  # CI.
  assert {
    condition = jsondecode(aws_iam_role.ci[0].assume_role_policy).Statement == [{
      Sid       = "ThisBranchOnly"
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = "repo:indivillage/indivillage.com:environment:production:ref:refs/heads/main"
      } }
    }]
    error_message = "CI must be this repository's, this environment's and this branch's"
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.ci[0].policy).Statement : statement.Effect] == ["Deny", "Deny"] && toset(jsondecode(aws_iam_role_policy.ci[0].policy).Statement[0].Resource) == toset([
      for name in ["developer", "qa", "devops", "product-owner", "ci"] : "arn:aws:iam::123456789012:role/indivillage-prod-${name}"
    ]) && contains(jsondecode(aws_iam_role_policy.ci[0].policy).Statement[0].Action, "iam:PutRolePolicy")
    error_message = "CI must have no say in who may do what, itself included"
  }

  assert {
    condition = alltrue([for action in ["AddClientIDToOpenIDConnectProvider*", "CreateOpenIDConnectProvider*", "DeleteOpenIDConnectProvider*", "UpdateOpenIDConnectProvider*"] :
    contains(jsondecode(aws_iam_role_policy.ci[0].policy).Statement[1].Action, "iam:${action}")]) && jsondecode(aws_iam_role_policy.ci[0].policy).Statement[1].Resource == "*"
    error_message = "CI must not say who vouches for it"
  }

  # Policies.
  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_policy.block), values(aws_iam_policy.boundary)) : length(policy.policy) <= 6144])
    error_message = "IAM takes no policy over 6144 characters: ${join(", ", [for policy in concat(values(aws_iam_policy.block), values(aws_iam_policy.boundary)) : "${policy.name} ${length(policy.policy)}"])}"
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.block["edge"].policy).Statement : flatten([statement.Action, statement.Condition["ForAllValues:StringLike"]["route53:ChangeResourceRecordSetsNormalizedRecordNames"]]) if statement.Sid == "Names"] == [["route53:ChangeResourceRecordSets", "www.indivillage.com", "*.www.indivillage.com"]] && length([for name, policy in aws_iam_policy.block : name if strcontains(policy.policy, "DeleteHostedZone") || strcontains(policy.policy, "route53:*")]) == 0
    error_message = "nobody may change another environment's names, or delete the zone"
  }

  assert {
    condition     = alltrue([for holder in keys(local.holders) : length([for held in values(local.held) : held if held.holder == holder]) <= 10])
    error_message = "a role takes no more than ten policies"
  }

  assert {
    condition = alltrue(flatten([for policy in values(aws_iam_policy.block) : [for statement in jsondecode(policy.policy).Statement : [
      for action in flatten([statement.Action]) : action != "*" && !endswith(action, ":*")
    ]]]))
    error_message = "no building block may give a whole service away"
  }

  assert {
    condition = alltrue(flatten([for statement in jsondecode(aws_iam_policy.block["read"].policy).Statement : [
      for action in flatten([statement.Action]) : can(regex(":(Describe|Get|List|Filter|StartQuery)", action))
    ]]))
    error_message = "who may look may not touch"
  }

  assert {
    condition     = length([for statement in jsondecode(aws_iam_policy.block["read"].policy).Statement : statement if length([for action in flatten([statement.Action]) : action if startswith(action, "secretsmanager:") || startswith(action, "kms:") || action == "s3:GetObject" && statement.Sid != "History"]) > 0]) == 0
    error_message = "who may look must see no secret and no visitor's data"
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_policy.block["approve"].policy).Statement : statement.Resource]) == "arn:aws:s3:::indivillage-prod-state-123456789012/approvals/*" && length([for statement in jsondecode(aws_iam_policy.block["deploy"].policy).Statement : statement if strcontains(jsonencode(statement.Resource), "approvals")]) == 0
    error_message = "who deploys must not approve"
  }

  assert {
    condition = alltrue([for statement in flatten([for policy in values(aws_iam_policy.block) : jsondecode(policy.policy).Statement]) :
    can(statement.Condition.StringEquals["iam:PassedToService"]) && statement.Resource != "*" if contains(flatten([statement.Action]), "iam:PassRole")])
    error_message = "roles are handed to named services only"
  }

  # The boundary.
  assert {
    condition     = one([for statement in jsondecode(aws_iam_policy.boundary["people"].policy).Statement : statement.Condition.StringNotEquals["iam:PermissionsBoundary"] if statement.Sid == "RolesWithoutBoundary"]) == ["arn:aws:iam::123456789012:policy/indivillage-prod-boundary-people", "arn:aws:iam::123456789012:policy/indivillage-prod-boundary-workload"]
    error_message = "nobody may make a role that is not bounded itself"
  }

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.boundary["people"].policy).Statement : statement.Condition if statement.Sid == "OtherEnvironments"]) == {
      StringNotEquals = { "aws:ResourceTag/environment" = "production" }
      Null            = { "aws:ResourceTag/environment" = "false" }
    }
    error_message = "what is another environment's must be out of reach"
  }

  assert {
    condition = one([for statement in jsondecode(aws_iam_policy.boundary["people"].policy).Statement : statement.NotResource if statement.Sid == "RolesOfOtherEnvironments"]) == "arn:aws:iam::123456789012:role/indivillage-prod-*" && one([
    for statement in jsondecode(aws_iam_policy.boundary["people"].policy).Statement : statement.Condition if statement.Sid == "WhoSomebodyIs"]) == { "ForAnyValue:StringEquals" = { "aws:TagKeys" = ["indivillage-role"] } }
    error_message = "nobody may go on into another environment, or call himself another: one account has them all"
  }

  assert {
    condition = length([for action in flatten([for policy in concat(values(aws_iam_policy.block), values(aws_iam_policy.boundary)) : [for statement in jsondecode(policy.policy).Statement :
    flatten([statement.Action]) if can(statement.Action) && statement.Effect == "Allow"]]) : action if startswith(action, "sso") && can(regex("\\*|:Add|:Attach|:Create.*(Account|Permission|User)|:Put|:Provision|:Update", action))]) == 0
    error_message = "nobody may say through IAM Identity Center who somebody is"
  }

  assert {
    condition     = length([for statement in jsondecode(aws_iam_policy.boundary["people"].policy).Statement : statement if statement.Effect == "Deny"]) == 9
    error_message = "the boundary must keep its nine bans"
  }

  assert {
    condition     = length([for statement in jsondecode(aws_iam_policy.boundary["workload"].policy).Statement : statement if length([for action in flatten([statement.Action]) : action if startswith(action, "iam:") && action != "iam:PassRole" || startswith(action, "sts:")]) > 0]) == 0 && output.workload_boundary_arn == "arn:aws:iam::123456789012:policy/a"
    error_message = "nothing that runs may ever change who may do what"
  }

  # Another environment owns the account.
  assert {
    condition     = length(aws_iam_openid_connect_provider.ci) == 0 && length(aws_guardduty_detector.this) == 0 && length(aws_config_configuration_recorder.this) == 0 && length(aws_inspector2_enabler.this) == 0 && length(aws_sns_topic.findings) == 0 && !contains(keys(aws_iam_policy.block), "account")
    error_message = "what an account has once must be made once"
  }
}

run "development_owns_the_account" {
  command = plan

  variables {
    prefix      = "indivillage-dev"
    short_name  = "dev"
    environment = "development"
    people = {
      roles     = { developer = "full", qa = "test", devops = "full", product_owner = "deploy" }
      admin_mfa = false
    }
    account = { guardduty = true, config = true, inspector = true, emails = ["security@example.org"] }
  }

  assert {
    condition     = aws_iam_openid_connect_provider.ci[0].url == "https://token.actions.githubusercontent.com" && aws_iam_openid_connect_provider.ci[0].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "somebody must vouch for CI"
  }

  assert {
    condition     = !can(jsondecode(aws_iam_role.person["developer"].assume_role_policy).Statement[0].Condition.Bool)
    error_message = "synthetic data needs no second factor"
  }

  assert {
    condition = toset([for held in values(local.held) : held.block if held.holder == "qa"]) == toset(["read", "test"]) && toset([for held in values(local.held) : held.block if held.holder == "product_owner"]) == toset(["deploy", "plan", "read", "test"]) && contains([
    for held in values(local.held) : held.block if held.holder == "developer"], "account")
    error_message = "each level must be what it says"
  }

  assert {
    condition     = aws_guardduty_detector.this[0].enable && { for name, feature in aws_guardduty_detector_feature.this : name => feature.status } == { RDS_LOGIN_EVENTS = "ENABLED", RUNTIME_MONITORING = "ENABLED", S3_DATA_EVENTS = "ENABLED" } && one(aws_guardduty_detector_feature.this["RUNTIME_MONITORING"].additional_configuration).name == "ECS_FARGATE_AGENT_MANAGEMENT"
    error_message = "GuardDuty must watch what is there: tasks, database, buckets"
  }

  assert {
    condition     = aws_config_configuration_recorder.this[0].recording_group[0].all_supported && aws_config_configuration_recorder_status.this[0].is_enabled && aws_config_delivery_channel.this[0].s3_key_prefix == "config"
    error_message = "AWS Config must record everything, where the logs bucket takes it"
  }

  assert {
    condition     = aws_inspector2_enabler.this[0].resource_types == toset(["ECR"])
    error_message = "Inspector must look at images"
  }

  assert {
    condition     = aws_sns_topic.findings[0].kms_master_key_id == aws_kms_key.this.arn && [for statement in jsondecode(aws_sns_topic_policy.findings[0].policy).Statement : statement.Effect] == ["Allow", "Deny"]
    error_message = "findings must be encrypted, and told over TLS"
  }

  assert {
    condition     = keys(aws_sns_topic_subscription.findings) == ["security@example.org"] && jsondecode(aws_cloudwatch_event_rule.findings[0].event_pattern)["$or"][0].detail.severity[0].numeric == [">=", 7]
    error_message = "somebody must hear of what is found"
  }
}

run "guardduty_by_itself" {
  command = plan

  variables {
    account = { guardduty = true, config = false, inspector = false, emails = ["security@example.org"] }
  }

  assert {
    condition     = length(aws_guardduty_detector.this) == 1 && length(aws_config_configuration_recorder.this) + length(aws_iam_service_linked_role.config) + length(aws_inspector2_enabler.this) == 0
    error_message = "GuardDuty must need nobody else"
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.findings) == 1 && keys(aws_sns_topic_subscription.findings) == ["security@example.org"]
    error_message = "what GuardDuty finds must be told"
  }
}

run "inspector_by_itself" {
  command = plan

  variables {
    account = { guardduty = false, config = false, inspector = true, emails = ["security@example.org"] }
  }

  assert {
    condition     = length(aws_inspector2_enabler.this) == 1 && length(aws_guardduty_detector.this) + length(aws_guardduty_detector_feature.this) + length(aws_config_configuration_recorder.this) == 0
    error_message = "Inspector must need nobody else"
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.findings) == 1 && keys(aws_sns_topic_subscription.findings) == ["security@example.org"]
    error_message = "what Inspector finds must be told"
  }
}

run "config_by_itself" {
  command = plan

  variables {
    account = { guardduty = false, config = true, inspector = false, emails = ["security@example.org"] }
  }

  assert {
    condition     = length(aws_config_configuration_recorder.this) == 1 && length(aws_config_configuration_recorder_status.this) == 1 && length(aws_config_delivery_channel.this) == 1 && length(aws_iam_service_linked_role.config) == 1
    error_message = "AWS Config must need nobody else"
  }

  assert {
    condition     = length(aws_guardduty_detector.this) + length(aws_inspector2_enabler.this) + length(aws_cloudwatch_event_rule.findings) + length(aws_sns_topic_subscription.findings) + length(aws_sns_topic.findings) == 0
    error_message = "AWS Config keeps a record, and finds nothing that somebody would be told"
  }
}

run "local_cloud" {
  command = plan

  variables {
    people  = null
    ci      = null
    account = { guardduty = false, config = false, inspector = false, emails = [] }
  }

  assert {
    condition     = length(aws_iam_role.person) == 0 && length(aws_iam_role.ci) == 0 && length(aws_iam_policy.block) == 0 && length(aws_iam_policy.boundary) == 0 && length(aws_iam_openid_connect_provider.ci) == 0 && output.workload_boundary_arn == null && output.role_arns == {}
    error_message = "the local cloud asks nobody who he is"
  }

  assert {
    condition     = length(aws_guardduty_detector.this) == 0 && length(aws_guardduty_detector_feature.this) == 0 && length(aws_config_delivery_channel.this) == 0 && length(aws_iam_service_linked_role.config) == 0 && length(aws_cloudwatch_event_rule.findings) == 0
    error_message = "what is switched off must not be there"
  }
}

run "refuses_what_lets_others_in" {
  command = plan

  variables {
    people = {
      roles     = { developer = "root", qa = "read", devops = "full", product_owner = "read" }
      admin_mfa = true
    }
    ci                        = { repository = "indivillage/*", branch = "main", environment = "production" }
    origin_secret_generations = { blue = 1 }
  }

  expect_failures = [var.people, var.ci, var.origin_secret_generations]
}

run "refuses_production_without_a_second_factor" {
  command = plan

  variables {
    people = {
      roles     = { developer = "read", qa = "read", devops = "full", product_owner = "read" }
      admin_mfa = false
    }
  }

  expect_failures = [var.people]
}

run "refuses_to_have_nobody_who_mends" {
  command = plan

  variables {
    people = {
      roles     = { developer = "read", qa = "read", devops = "deploy", product_owner = "read" }
      admin_mfa = true
    }
  }

  expect_failures = [var.people]
}
