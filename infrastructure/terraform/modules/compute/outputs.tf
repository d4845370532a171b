output "cluster" {
  description = "Name of the ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "load_balancers" {
  description = "Both load balancers as the deployer sees them: names, listeners, ports."
  value = {
    public = {
      arn           = aws_lb.public.arn
      dns_name      = aws_lb.public.dns_name
      listener      = aws_lb_listener.production.arn
      test_listener = aws_lb_listener.test.arn
      port          = aws_lb_listener.production.port
      test_port     = aws_lb_listener.test.port
    }
    internal = {
      arn       = aws_lb.internal.arn
      dns_name  = aws_lb.internal.dns_name
      listeners = { for color, listener in aws_lb_listener.internal : color => listener.arn }
    }
  }
}

output "deployer_repository" {
  description = "Name of the repository of the deployer's own image."
  value       = local.repositories["deployer"]
}

output "target_groups" {
  description = "Every target group by service and color, with the dimensions under which CloudWatch has its metrics."
  value = { for key, group in aws_lb_target_group.this : key => {
    load_balancer = startswith(key, "frontend-") ? aws_lb.public.arn_suffix : aws_lb.internal.arn_suffix
    target_group  = group.arn_suffix
  } }
}

output "services" {
  description = "What a release of each service needs to know: names, roles, log group, and for each color a service, its target group, and its scalable target or null."
  value = { for name in local.service_names : name => {
    repository      = local.repositories[name]
    family          = "${var.prefix}-${name}"
    container_port  = var.services[name].port
    execution_role  = aws_iam_role.execution[name].arn
    task_role       = aws_iam_role.task[name].arn
    log_group       = aws_cloudwatch_log_group.this[name].name
    security_groups = [var.network.security_groups[name]]
    health_path     = var.services[name].health_path
    colors = { for color in ["blue", "green"] : color => {
      service         = aws_ecs_service.shell["${name}-${color}"].name
      target_group    = aws_lb_target_group.this["${name}-${color}"].arn
      scalable_target = one([for key, target in aws_appautoscaling_target.this : target.resource_id if key == "${name}-${color}"])
    } }
  } }
}

output "image_lifecycle_policy" {
  description = "Which images are kept for how long, as ECR writes it."
  value       = local.image_lifecycle_policy
}
