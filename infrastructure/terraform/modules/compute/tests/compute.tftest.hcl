# Shells at zero, weights that start at blue, roles that can do one thing each. Longer than other files, because what its
# runs share (mocks, variables) cannot be imported by a second one.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:loadbalancer/app/a/1" }
  }
  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:listener/app/a/1/2" }
  }
  mock_resource "aws_ecs_cluster" {
    defaults = { arn = "arn:aws:ecs:ap-south-1:123456789012:cluster/a" }
  }
  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:ap-south-1:123456789012:task-definition/a:1" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-south-1:123456789012:log-group:a" }
  }
  mock_data "aws_default_tags" {
    defaults = { tags = { owner = "platform-team" } }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/a" }
  }
}

override_resource {
  override_during = plan
  target          = aws_lb_target_group.this["frontend-blue"]
  values          = { arn = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:targetgroup/frontend-blue/1" }
}

override_resource {
  override_during = plan
  target          = aws_lb_target_group.this["frontend-green"]
  values          = { arn = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:targetgroup/frontend-green/1" }
}

override_resource {
  override_during = plan
  target          = aws_lb_target_group.this["backend-blue"]
  values          = { arn = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:targetgroup/backend-blue/1" }
}

override_resource {
  override_during = plan
  target          = aws_lb_target_group.this["backend-green"]
  values          = { arn = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:targetgroup/backend-green/1" }
}

variables {
  prefix                 = "indivillage-test"
  tls                    = false
  short_name             = "test"
  region                 = "ap-south-1"
  account_id             = "123456789012"
  services               = { frontend = { port = 8080, health_path = "/healthz" }, backend = { port = 8080, health_path = "/readyz" } }
  test_port              = 9000
  internal_ports         = { blue = 8081, green = 8082 }
  access_logs_bucket     = "logs"
  log_groups_kms_key_arn = "arn:aws:kms:ap-south-1:123456789012:key/1"
  kms_key_arn            = "arn:aws:kms:ap-south-1:123456789012:key/1"
  bucket_arns            = ["arn:aws:s3:::forms", "arn:aws:s3:::uploads"]
  log_retention_days     = 30
  protect                = true
  force_delete_images    = false
  owns_registry          = true

  network = {
    vpc_id          = "vpc-1"
    public_subnets  = ["subnet-1", "subnet-2"]
    subnets         = { private = ["subnet-3", "subnet-4"] }
    security_groups = { public-alb = "sg-1", frontend = "sg-2", internal-alb = "sg-3", backend = "sg-4" }
  }

  secret_arns = {
    frontend = []
    backend  = ["arn:aws:secretsmanager:ap-south-1:123456789012:secret:database"]
  }
}

run "shells" {
  command = plan

  assert {
    condition     = toset(keys(aws_ecs_service.shell)) == toset(["backend-blue", "backend-green", "frontend-blue", "frontend-green"])
    error_message = "each service must have a shell in both colors"
  }

  assert {
    condition     = alltrue([for shell in values(aws_ecs_service.shell) : shell.desired_count == 0 && shell.launch_type == "FARGATE"])
    error_message = "a shell must run nothing until the deployer fills it"
  }

  assert {
    condition = alltrue([for shell in values(aws_ecs_service.shell) :
      shell.deployment_circuit_breaker[0].enable && shell.deployment_circuit_breaker[0].rollback
    && shell.deployment_minimum_healthy_percent == 100 && shell.deployment_maximum_percent == 200])
    error_message = "a deployment must never go below full strength, and must come back by itself"
  }

  assert {
    condition     = alltrue([for shell in values(aws_ecs_service.shell) : !shell.network_configuration[0].assign_public_ip])
    error_message = "tasks must have no public address"
  }

  assert {
    condition     = one(aws_ecs_service.shell["backend-green"].load_balancer).target_group_arn == aws_lb_target_group.this["backend-green"].arn
    error_message = "a shell must serve the target group of its own color"
  }

  assert {
    condition     = alltrue([for group in values(aws_lb_target_group.this) : group.deregistration_delay == "60" && group.health_check[0].interval == 5 && !group.stickiness[0].enabled])
    error_message = "deployments must not wait for slow checks and long drains, and no visitor may stick to a color"
  }

  assert {
    condition     = aws_lb_target_group.this["backend-blue"].health_check[0].path == "/readyz" && aws_lb_target_group.this["frontend-blue"].health_check[0].path == "/healthz"
    error_message = "each service must be checked at its own path"
  }

  assert {
    condition     = one([for setting in aws_ecs_cluster.this.setting : setting.value if setting.name == "containerInsights"]) == "enabled"
    error_message = "the cluster must report Container Insights"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this["frontend"].name == "/indivillage/test/frontend" && aws_cloudwatch_log_group.this["frontend"].retention_in_days == 30
    error_message = "logs must be kept for 30 days under /indivillage/<environment>/<service>"
  }
}

run "traffic_starts_at_blue" {
  command = plan

  assert {
    condition = { for group in aws_lb_listener.production.default_action[0].forward[0].target_group : group.arn => group.weight } == {
      (aws_lb_target_group.this["frontend-blue"].arn)  = 100
      (aws_lb_target_group.this["frontend-green"].arn) = 0
    }
    error_message = "visitors must see blue"
  }

  assert {
    condition = { for group in aws_lb_listener.test.default_action[0].forward[0].target_group : group.arn => group.weight } == {
      (aws_lb_target_group.this["frontend-blue"].arn)  = 0
      (aws_lb_target_group.this["frontend-green"].arn) = 100
    }
    error_message = "release tests must see green"
  }

  assert {
    condition = { for color, listener in aws_lb_listener.internal : color => [listener.port, listener.default_action[0].target_group_arn] } == {
      blue  = [8081, aws_lb_target_group.this["backend-blue"].arn]
      green = [8082, aws_lb_target_group.this["backend-green"].arn]
    }
    error_message = "each color's listener must lead to its own backend"
  }

  assert {
    condition     = aws_lb_listener.production.port == 80 && aws_lb_listener.production.protocol == "HTTP" && length(aws_lb_listener.redirect) == 0
    error_message = "without a certificate there is HTTP and nothing to redirect to"
  }

  assert {
    condition     = aws_lb.internal.internal && !aws_lb.public.internal && aws_lb.public.idle_timeout == 60 && aws_lb.public.drop_invalid_header_fields
    error_message = "one load balancer faces the internet, one does not"
  }

  assert {
    condition     = alltrue([for balancer in [aws_lb.public, aws_lb.internal] : balancer.enable_deletion_protection && balancer.access_logs[0].enabled])
    error_message = "load balancers must log, and refuse to be deleted"
  }
}

run "https" {
  command = plan

  variables {
    tls             = true
    certificate_arn = "arn:aws:acm:ap-south-1:123456789012:certificate/1"
  }

  assert {
    condition     = aws_lb_listener.production.port == 443 && aws_lb_listener.production.protocol == "HTTPS" && startswith(aws_lb_listener.production.ssl_policy, "ELBSecurityPolicy-TLS13")
    error_message = "with a certificate visitors must get HTTPS"
  }

  assert {
    condition     = aws_lb_listener.test.protocol == "HTTPS"
    error_message = "release tests must get what visitors get"
  }

  assert {
    condition     = aws_lb_listener.redirect[0].port == 80 && aws_lb_listener.redirect[0].default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "plain HTTP must lead to HTTPS"
  }
}

run "least_privilege" {
  command = plan

  assert {
    condition     = alltrue([for role in concat(values(aws_iam_role.execution), values(aws_iam_role.task)) : jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"])
    error_message = "roles must be for tasks of this account only"
  }

  assert {
    condition     = alltrue(flatten([for statement in jsondecode(aws_iam_role_policy.backend.policy).Statement : [for resource in flatten([statement.Resource]) : resource != "*"]]))
    error_message = "the backend may touch its own buckets only"
  }

  assert {
    condition = alltrue(flatten([for policy in values(aws_iam_role_policy.execution) : [for statement in jsondecode(policy.policy).Statement :
    statement.Resource != "*" || statement.Action == "ecr:GetAuthorizationToken"]]))
    error_message = "only the registry login, which AWS cannot narrow, may be for everything"
  }

  assert {
    condition = { for name, policy in aws_iam_role_policy.execution : name => one([for statement in jsondecode(policy.policy).Statement : toset(statement.Resource) if statement.Sid == "Image"]) } == {
      for name in ["backend", "frontend"] : name => toset(["arn:aws:ecr:ap-south-1:123456789012:repository/indivillage/${name}", "arn:aws:ecr:ap-south-1:*:repository/aws-guardduty-agent-fargate"])
    }
    error_message = "a service must pull its own image and GuardDuty's sensor, and no other"
  }

  assert {
    condition     = length([for statement in jsondecode(aws_iam_role_policy.execution["frontend"].policy).Statement : statement if statement.Sid == "Secrets"]) == 0
    error_message = "a service without secrets must not read any"
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.execution["backend"].policy).Statement : statement.Resource if statement.Sid == "Secrets"] == [["arn:aws:secretsmanager:ap-south-1:123456789012:secret:database"]]
    error_message = "the backend's execution role must read the backend's secrets and no others"
  }
}

run "cache" {
  command = plan

  variables {
    cache_arns        = ["arn:aws:elasticache:ap-south-1:123456789012:replicationgroup:a", "arn:aws:elasticache:ap-south-1:123456789012:user:a"]
    login_secret_arns = ["arn:aws:secretsmanager:ap-south-1:123456789012:secret:rds-made"]
  }

  assert {
    condition     = jsonencode({ for statement in jsondecode(aws_iam_role_policy.backend.policy).Statement : statement.Sid => statement.Resource if startswith(statement.Sid, "Login") }) == jsonencode({ Login = var.login_secret_arns, LoginKey = var.kms_key_arn })
    error_message = "the backend must read the database's secret again, and no other"
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.backend.policy).Statement : "${statement.Action} ${join(" ", statement.Resource)}" if statement.Sid == "Cache"]) == "elasticache:Connect ${join(" ", var.cache_arns)}"
    error_message = "the backend may sign in to its own cache as its own user"
  }
}

run "registry" {
  command = plan

  assert {
    condition     = toset([for repository in values(aws_ecr_repository.this) : repository.name]) == toset(["indivillage/frontend", "indivillage/backend", "indivillage/deployer"])
    error_message = "the registry must hold one repository a service, and the deployer's own"
  }

  assert {
    condition     = alltrue([for repository in values(aws_ecr_repository.this) : repository.image_scanning_configuration[0].scan_on_push && !repository.force_delete])
    error_message = "images must be scanned, and not vanish with an environment"
  }

  assert {
    condition     = alltrue([for policy in values(aws_ecr_lifecycle_policy.this) : one([for rule in jsondecode(policy.policy).rules : rule.selection.countNumber if rule.selection.countType == "sinceImagePushed"]) == 180])
    error_message = "images must be kept for 180 days"
  }
}

run "a_tag_keeps_its_image" {
  command = plan

  variables {
    immutable_images = true
  }

  assert {
    condition     = toset([for repository in values(aws_cloudcontrolapi_resource.repository) : jsondecode(repository.desired_state).RepositoryName]) == toset(["indivillage/frontend", "indivillage/backend", "indivillage/deployer"]) && length(aws_ecr_repository.this) == 0
    error_message = "the registry must hold one repository a service and the deployer's own, each made once"
  }

  assert {
    condition = alltrue([for repository in values(aws_cloudcontrolapi_resource.repository) : jsondecode(repository.desired_state).ImageTagMutability == "IMMUTABLE_WITH_EXCLUSION"
    && toset(jsondecode(repository.desired_state).ImageTagMutabilityExclusionFilters[*].ImageTagMutabilityExclusionFilterValue) == toset(["*-latest", "stable"])])
    error_message = "only <environment>-latest and stable may move"
  }

  assert {
    condition     = alltrue([for repository in values(aws_cloudcontrolapi_resource.repository) : jsondecode(repository.desired_state).ImageScanningConfiguration.ScanOnPush && jsondecode(repository.desired_state).Tags == [{ Key = "owner", Value = "platform-team" }]])
    error_message = "images must be scanned, and repositories tagged like everything else"
  }

  assert {
    condition     = length(aws_ecr_lifecycle_policy.this) == 3
    error_message = "their images must be kept for 180 days, too"
  }
}

run "copies_of_images" {
  command = plan

  variables {
    image_replica_region = "ap-southeast-1"
  }

  assert {
    condition     = one(one(aws_ecr_replication_configuration.this[0].replication_configuration).rule).destination[0].region == "ap-southeast-1" && one(one(aws_ecr_replication_configuration.this[0].replication_configuration).rule).repository_filter[0].filter == "indivillage/"
    error_message = "our images must be copied to the second region"
  }

  assert {
    condition     = alltrue([for policy in values(aws_ecr_lifecycle_policy.this) : policy.policy == output.image_lifecycle_policy])
    error_message = "copies must be kept as long as originals"
  }
}

run "refuses_copies_in_the_same_region" {
  command = plan
  variables {
    image_replica_region = "ap-south-1"
  }
  expect_failures = [var.image_replica_region]
}

run "registry_of_another_environment" {
  command = plan

  variables {
    owns_registry = false
  }

  assert {
    condition     = length(aws_ecr_replication_configuration.this) == 0
    error_message = "nothing may be copied that nobody asked for"
  }

  assert {
    condition     = length(aws_ecr_repository.this) == 0 && length(aws_cloudcontrolapi_resource.repository) == 0 && length(aws_ecr_lifecycle_policy.this) == 0
    error_message = "only one environment may create the repositories"
  }

  assert {
    condition     = output.services["frontend"].repository == "indivillage/frontend" && output.deployer_repository == "indivillage/deployer"
    error_message = "every environment must know the repositories"
  }
}

run "no_autoscaling_on_the_local_cloud" {
  command = plan

  assert {
    condition     = length(aws_appautoscaling_target.this) == 0 && length(aws_appautoscaling_policy.this) == 0
    error_message = "the local cloud has no autoscaling"
  }

  assert {
    condition     = alltrue(flatten([for service in values(output.services) : [for place in values(service.colors) : place.scalable_target == null]]))
    error_message = "the deployer must know that nothing scales"
  }
}

run "autoscaling" {
  command = plan

  variables {
    autoscaling = { cpu_percent = 70, memory_percent = 75 }
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 4 && length(aws_appautoscaling_policy.this) == 8
    error_message = "both colors of both services must scale on CPU and memory"
  }

  assert {
    condition     = alltrue([for target in values(aws_appautoscaling_target.this) : target.min_capacity == 0 && target.max_capacity == 0])
    error_message = "a shell must stay empty until the deployer raises its limits"
  }

  assert {
    condition = alltrue([for target in values(aws_appautoscaling_target.this) : alltrue([
      target.suspended_state[0].dynamic_scaling_in_suspended,
      target.suspended_state[0].dynamic_scaling_out_suspended,
      target.suspended_state[0].scheduled_scaling_suspended,
    ])])
    error_message = "a target that is made while its color serves must not scale it to 0: the deployer wakes it with its limits"
  }

  assert {
    condition     = output.services["frontend"].colors["green"].scalable_target == "service/indivillage-test/indivillage-test-frontend-green"
    error_message = "the deployer must know whose limits it owns"
  }

  assert {
    condition     = aws_appautoscaling_policy.this["backend-green-memory"].target_tracking_scaling_policy_configuration[0].target_value == 75
    error_message = "the memory policy must aim for memory_percent"
  }
}

run "topology" {
  command = plan

  assert {
    condition     = output.services["backend"].family == "indivillage-test-backend" && output.services["backend"].colors["green"].service == "indivillage-test-backend-green"
    error_message = "the deployer must find families and services under their names"
  }

  assert {
    condition     = aws_ecs_task_definition.placeholder["backend"].family != output.services["backend"].family
    error_message = "the placeholder must not be mistaken for a release"
  }
}

run "placeholder" {
  command = plan

  assert {
    condition = alltrue([for task in values(aws_ecs_task_definition.placeholder) : alltrue([for container in jsondecode(task.container_definitions) :
    container.readonlyRootFilesystem && container.user == "10001:10001" && container.logConfiguration.logDriver == "awslogs"])])
    error_message = "even what never runs must be locked down, and log"
  }
}

run "refuses_to_delete_what_never_changes" {
  command = plan
  variables {
    immutable_images    = true
    force_delete_images = true
  }
  expect_failures = [var.immutable_images]
}

run "refuses_a_name_too_long_for_target_groups" {
  command = plan
  variables {
    short_name = "a-name-far-too-long"
  }
  expect_failures = [var.short_name]
}

run "refuses_a_health_path_without_a_slash" {
  command = plan
  variables {
    services = { frontend = { port = 8080, health_path = "healthz" }, backend = { port = 8080, health_path = "/readyz" } }
  }
  expect_failures = [var.services]
}

run "refuses_a_retention_that_cloudwatch_does_not_offer" {
  command = plan
  variables {
    log_retention_days = 31
  }
  expect_failures = [var.log_retention_days]
}
