# The deployer owns the limits: a live color gets the environment's minimum and maximum, an idle one 0 and 0. Until it has
# set them the target is suspended: one that is made while its color serves must not scale that color to 0.
resource "aws_appautoscaling_target" "this" {
  for_each = var.autoscaling == null ? {} : aws_ecs_service.shell

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${each.value.name}"
  min_capacity       = 0
  max_capacity       = 0

  suspended_state {
    dynamic_scaling_in_suspended  = true
    dynamic_scaling_out_suspended = true
    scheduled_scaling_suspended   = true
  }

  lifecycle {
    ignore_changes = [min_capacity, max_capacity, suspended_state]
  }
}

locals {
  metrics = var.autoscaling == null ? {} : {
    cpu    = { metric = "ECSServiceAverageCPUUtilization", percent = var.autoscaling.cpu_percent }
    memory = { metric = "ECSServiceAverageMemoryUtilization", percent = var.autoscaling.memory_percent }
  }

  scaling_policies = { for pair in setproduct(keys(aws_appautoscaling_target.this), keys(local.metrics)) :
  "${pair[0]}-${pair[1]}" => { shell = pair[0], metric = pair[1] } }
}

resource "aws_appautoscaling_policy" "this" {
  for_each = local.scaling_policies

  name               = "${var.prefix}-${each.key}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[each.value.shell].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[each.value.shell].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[each.value.shell].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = local.metrics[each.value.metric].percent
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = local.metrics[each.value.metric].metric
    }
  }
}
