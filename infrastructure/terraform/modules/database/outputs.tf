output "postgres" {
  description = "How to reach the database; sslmode in libpq's words. User and password are in the secret."
  value = {
    host    = aws_db_instance.this.address
    port    = aws_db_instance.this.port
    name    = aws_db_instance.this.db_name
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
  value       = module.credentials.arn
}
