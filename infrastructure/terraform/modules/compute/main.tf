# What runs the site: ECS cluster on Fargate, public and internal load balancer, shells of both services in both colors with
# their roles and log groups, autoscaling, image repositories. The deployer fills the shells and moves the traffic.

locals {
  service_names = toset(["frontend", "backend"])

  # One shell for each service and color: "frontend-blue" => { service = "frontend", color = "blue" }
  shells = { for pair in setproduct(local.service_names, ["blue", "green"]) : "${pair[0]}-${pair[1]}" => {
    service = pair[0]
    color   = pair[1]
  } }

  # One an image: the services', and the deployer's own, which the scheduled reconciler runs.
  repositories = { for name in setunion(local.service_names, ["deployer"]) : name => "indivillage/${name}" }
}

resource "aws_ecs_cluster" "this" {
  name = var.prefix

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = local.service_names

  name              = "/${replace(var.prefix, "-", "/")}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_groups_kms_key_arn
}

# A service cannot be created without a task definition, and Terraform knows no release. This one is never run: the
# services stand at zero, and the deployer's first release replaces it. Its family is its own, so that the families
# which releases live in hold releases only.
resource "aws_ecs_task_definition" "placeholder" {
  for_each = local.service_names

  family                   = "${var.prefix}-${each.key}-placeholder"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution[each.key].arn
  task_role_arn            = aws_iam_role.task[each.key].arn

  container_definitions = jsonencode([{
    name                   = each.key
    image                  = "${local.repositories[each.key]}:none"
    essential              = true
    user                   = "10001:10001"
    readonlyRootFilesystem = true
    portMappings           = [{ containerPort = var.services[each.key].port, hostPort = var.services[each.key].port, protocol = "tcp" }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this[each.key].name
        awslogs-region        = var.region
        awslogs-stream-prefix = "placeholder"
      }
    }
  }])

  lifecycle {
    # AWS fills in defaults, which would replace it for nothing.
    ignore_changes = [container_definitions]
  }
}

# Shells that the deployer fills: it owns which task definition runs, how many of it, and what the listeners weigh.
resource "aws_ecs_service" "shell" {
  for_each = local.shells

  name            = "${var.prefix}-${each.key}"
  cluster         = aws_ecs_cluster.this.arn
  launch_type     = "FARGATE"
  task_definition = aws_ecs_task_definition.placeholder[each.value.service].arn
  desired_count   = 0

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 30
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  availability_zone_rebalancing      = "ENABLED" # spreads out again once a lost zone is back

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  deployment_controller {
    type = "ECS"
  }

  network_configuration {
    subnets          = var.network.subnets.private
    security_groups  = [var.network.security_groups[each.value.service]]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this[each.key].arn
    container_name   = each.value.service
    container_port   = var.services[each.value.service].port
  }

  lifecycle {
    # The deployer owns the first two. MiniStack does not report the third, which only ever has this value.
    ignore_changes = [task_definition, desired_count, availability_zone_rebalancing]
  }

  # ECS refuses a target group that no load balancer uses yet.
  depends_on = [aws_lb_listener.production, aws_lb_listener.internal]
}
