# The key's policy and which secrets there are. Mocked providers cannot play the ephemeral resources of generated_secret:
# tests/infrastructure puts a double in its place and runs this file.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:ap-south-1:123456789012:key/1" }
  }
}

variables {
  prefix               = "indivillage-test"
  account_id           = "123456789012"
  region               = "ap-south-1"
  short_name           = "test"
  environment          = "test"
  replica_region       = "ap-southeast-1"
  domain               = "www.indivillage.com"
  state_bucket         = "indivillage-test-state-123456789012"
  config_bucket        = "logs"
  basic_auth           = true
  recovery_window_days = 30
}

run "protected" {
  command = plan

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "the key must rotate, and be brought back within 30 days"
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_kms_key_policy.this.policy).Statement : statement.Principal != "*"])
    error_message = "the key must not be open to everybody"
  }

  assert {
    condition = alltrue([for statement in jsondecode(aws_kms_key_policy.this.policy).Statement :
    can(statement.Principal.AWS) || length(try(statement.Condition.ArnLike, {})) > 0])
    error_message = "CloudWatch Logs may use the key for this account's log groups only, and who publishes for its topics"
  }

  assert {
    condition = toset(flatten([for statement in jsondecode(aws_kms_key_policy.this.policy).Statement : statement.Principal.Service
    if try(statement.Condition.ArnLike["kms:EncryptionContext:aws:sns:topicArn"] == "arn:aws:sns:ap-south-1:123456789012:indivillage-test-*", false)])) == toset(["cloudwatch.amazonaws.com", "events.amazonaws.com", "events.rds.amazonaws.com"])
    error_message = "alarms, findings and the database's events must reach encrypted topics, this environment's only"
  }

  assert {
    condition     = output.basic_auth_secret_arn == "arn:aws:secretsmanager:ap-south-1:123456789012:secret:indivillage-test/basic-auth"
    error_message = "protected pages need their password"
  }
}

run "behind_cloudfront" {
  command = plan

  variables {
    origin_secret_generations = { blue = 1, green = 2 }
  }

  assert {
    condition     = { for color, secret in module.origin_secret : color => secret.generation } == { blue = 1, green = 2 } && nonsensitive(keys(output.origin_secrets)) == ["blue", "green"]
    error_message = "there must be two secrets, each replaced by itself"
  }
}

run "open_pages" {
  command = plan

  variables {
    basic_auth           = false
    recovery_window_days = 0
  }

  assert {
    condition     = output.basic_auth_secret_arn == null && output.origin_secrets == null
    error_message = "without protected pages there must be no password"
  }

  assert {
    condition     = aws_kms_key.this.deletion_window_in_days == 7
    error_message = "AWS deletes no key in less than seven days"
  }
}

run "refuses_a_window_that_aws_does_not_offer" {
  command = plan
  variables {
    recovery_window_days = 3
  }
  expect_failures = [var.recovery_window_days]
}

run "refuses_any_branch_and_a_window_too_long" {
  command = plan
  variables {
    ci                   = { repository = "indivillage/indivillage.com", branch = "*", environment = "production" }
    recovery_window_days = 31
  }
  expect_failures = [var.ci, var.recovery_window_days]
}

run "refuses_any_environment" {
  command = plan
  variables {
    ci = { repository = "indivillage/indivillage.com", branch = "main", environment = "*" }
  }
  expect_failures = [var.ci]
}
