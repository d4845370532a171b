output "postgres" {
  description = "How to reach the database; sslmode in libpq's words. User and password are in the secret."
  value = {
    host    = aws_db_instance.this.address
    port    = aws_db_instance.this.port
    name    = local.name
    sslmode = var.tls ? "require" : "prefer"
  }
}

output "redis_url" {
  description = "URL of the cache's primary node."
  value = format("%s://%s:%d/0",
    var.tls ? "rediss" : "redis",
    aws_elasticache_replication_group.this.primary_endpoint_address,
    aws_elasticache_replication_group.this.port,
  )
}

output "credentials_secret_arn" {
  description = "Secret with the JSON keys username and password."
  value       = var.rotation_days == null ? module.credentials[0].arn : one(aws_db_instance.this.master_user_secret).secret_arn
}

output "cache_login" {
  description = "As whom the backend signs in to Redis with its role, at which cluster, and what its role must be allowed to connect to; null where Redis knows no users."
  value = var.cache_users ? {
    user    = aws_elasticache_user.backend[0].user_name
    cluster = aws_elasticache_replication_group.this.replication_group_id
    arns    = [aws_elasticache_replication_group.this.arn, aws_elasticache_user.backend[0].arn]
  } : null
}

output "backup_vault" {
  description = "Name of the vault of AWS Backup, under which CloudWatch counts its jobs; null without one."
  value       = one(aws_backup_vault.this[*].name)
}

output "arn" {
  description = "ARN of the database, as copies in another region name what they are of."
  value       = aws_db_instance.this.arn
}
