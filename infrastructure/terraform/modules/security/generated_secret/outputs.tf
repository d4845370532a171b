output "arn" {
  description = "ARN of the secret, once it has a value."
  value       = aws_secretsmanager_secret_version.this.arn
}

output "generation" {
  description = "Which value is current; changes exactly when the value does."
  value       = aws_secretsmanager_secret_version.this.secret_string_wo_version
}

output "value" {
  description = "The stored value, during the run only."
  value       = ephemeral.aws_secretsmanager_secret_version.stored.secret_string
  ephemeral   = true
  sensitive   = true
}
