resource "aws_elasticache_subnet_group" "this" {
  name        = var.prefix
  description = "Subnets without a way out"
  subnet_ids  = var.subnet_ids
}

resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV2_AWS_50:tfvars decide: more than one node, and both are on; one node has nothing to fail over to
  replication_group_id = var.prefix
  description          = "Rate limits and idempotency keys of ${var.prefix}"
  engine               = "redis"
  engine_version       = var.cache.engine_version
  node_type            = var.cache.node_type
  port                 = 6379

  num_cache_clusters         = var.cache.nodes
  automatic_failover_enabled = var.cache.nodes > 1
  multi_az_enabled           = var.cache.nodes > 1

  subnet_group_name  = aws_elasticache_subnet_group.this.name
  security_group_ids = [var.security_groups.cache]

  # Without TLS it is the local cloud's, where keys are records only: nothing would be encrypted with it.
  at_rest_encryption_enabled = true
  kms_key_id                 = var.tls ? var.kms_key_arn : null
  transit_encryption_enabled = var.tls

  # Without TLS ElastiCache knows no users.
  user_group_ids = var.cache_users ? aws_elasticache_user_group.this[*].user_group_id : null

  apply_immediately        = !var.protect
  snapshot_retention_limit = var.protect ? 7 : 1
  snapshot_window          = "20:00-21:00"
  maintenance_window       = "sun:21:30-sun:22:30"
}

# Redis asks who is there: tasks sign in with a token that their role signs (IAM), good for 15 minutes. There is no
# password that could be lost, or that Terraform would have to keep in its state.
resource "aws_elasticache_user" "backend" {
  count = var.cache_users ? 1 : 0

  user_id       = "${var.prefix}-backend"
  user_name     = "${var.prefix}-backend" # for IAM both have to be the same
  engine        = "redis"
  access_string = "on ~* -@all +@read +@write +@scripting +@connection"

  authentication_mode {
    type = "iam"
  }
}

# Whoever gives no name is this user. A group has to have one; ours may do nothing.
resource "aws_elasticache_user" "default" {
  count = var.cache_users ? 1 : 0

  user_id       = "${var.prefix}-default"
  user_name     = "default"
  engine        = "redis"
  access_string = "off ~* -@all"

  # Not by authentication_mode: AWS answers "no-password" to "no-password-required", a change in every plan.
  no_password_required = true
}

resource "aws_elasticache_user_group" "this" {
  count = var.cache_users ? 1 : 0

  user_group_id = var.prefix
  engine        = "redis"
  user_ids      = [aws_elasticache_user.default[0].user_id, aws_elasticache_user.backend[0].user_id]
}
