resource "aws_lb" "public" {
  #checkov:skip=CKV2_AWS_28:modules/cdn puts a web ACL before it (firewall.tf); checkov does not follow the ARN into that module

  name                       = "${var.prefix}-public"
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = var.network.public_subnets
  security_groups            = [var.network.security_groups["public-alb"]]
  idle_timeout               = 60 # a request must be shorter, the containers' keep-alive longer (deployer/draining.py)
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "defensive"
  enable_deletion_protection = var.protect

  access_logs {
    bucket  = var.access_logs_bucket
    prefix  = "alb/public"
    enabled = true
  }
}

resource "aws_lb" "internal" {
  #checkov:skip=CKV2_AWS_20:HTTP within the VPC, between two groups that admit nobody else; its name has no certificate (ELB.1)

  name                       = "${var.prefix}-internal"
  load_balancer_type         = "application"
  internal                   = true
  subnets                    = var.network.subnets.private
  security_groups            = [var.network.security_groups["internal-alb"]]
  idle_timeout               = 60
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "defensive"
  enable_deletion_protection = var.protect

  access_logs {
    bucket  = var.access_logs_bucket
    prefix  = "alb/internal"
    enabled = true
  }
}

# Checks are as close together as AWS allows: a deployment waits for two of them.
resource "aws_lb_target_group" "this" {
  #checkov:skip=CKV_AWS_378:containers speak HTTP within the VPC, to a load balancer's group and nobody else

  for_each = local.shells

  name                 = "${var.short_name}-${each.key}"
  vpc_id               = var.network.vpc_id
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = var.services[each.value.service].port
  deregistration_delay = 60 # longer than a request may take (deployer/draining.py); it ends early when nothing is under way

  health_check {
    path                = var.services[each.value.service].health_path
    matcher             = "200"
    interval            = 5
    timeout             = 4
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  # Stickiness overrides weights: a visitor would stay on a color that has none left.
  stickiness {
    type    = "lb_cookie"
    enabled = false
  }
}

# What visitors reach. The deployer moves the weights between the colors; Terraform only sets where they start.
resource "aws_lb_listener" "production" {
  load_balancer_arn = aws_lb.public.arn
  port              = var.tls ? 443 : 80
  protocol          = var.tls ? "HTTPS" : "HTTP"
  certificate_arn   = var.certificate_arn
  ssl_policy        = var.tls ? "ELBSecurityPolicy-TLS13-1-2-Res-2021-06" : null

  default_action {
    type = "forward"

    forward {
      target_group {
        arn    = aws_lb_target_group.this["frontend-blue"].arn
        weight = 100
      }

      target_group {
        arn    = aws_lb_target_group.this["frontend-green"].arn
        weight = 0
      }
    }
  }

  lifecycle {
    ignore_changes = [default_action]
  }
}

# What release tests reach: always the idle color. The deployer turns it around together with the other one.
resource "aws_lb_listener" "test" {
  load_balancer_arn = aws_lb.public.arn
  port              = var.test_port
  protocol          = var.tls ? "HTTPS" : "HTTP"
  certificate_arn   = var.certificate_arn
  ssl_policy        = var.tls ? "ELBSecurityPolicy-TLS13-1-2-Res-2021-06" : null

  default_action {
    type = "forward"

    forward {
      target_group {
        arn    = aws_lb_target_group.this["frontend-blue"].arn
        weight = 0
      }

      target_group {
        arn    = aws_lb_target_group.this["frontend-green"].arn
        weight = 100
      }
    }
  }

  lifecycle {
    ignore_changes = [default_action]
  }
}

resource "aws_lb_listener" "redirect" {
  count = var.tls ? 1 : 0

  load_balancer_arn = aws_lb.public.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

# A listener for each color: a frontend of one color never talks to a backend of the other.
resource "aws_lb_listener" "internal" {
  #checkov:skip=CKV_AWS_2:HTTP within the VPC, between two groups that admit nobody else; its name has no certificate (ELB.1)
  #checkov:skip=CKV_AWS_103:HTTP within the VPC, between two groups that admit nobody else; its name has no certificate (ELB.1)

  for_each = var.internal_ports

  load_balancer_arn = aws_lb.internal.arn
  port              = each.value
  protocol          = "HTTP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this["backend-${each.key}"].arn
  }
}
