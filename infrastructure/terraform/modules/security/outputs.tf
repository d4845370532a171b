output "kms_key_arn" {
  description = "The environment's key."
  value       = aws_kms_key.this.arn
}

output "log_groups_kms_key_arn" {
  description = "The same key, once CloudWatch and CloudWatch Logs may use it."
  value       = aws_kms_key.this.arn
  depends_on  = [aws_kms_key_policy.this]
}

output "api_token_secret_arn" {
  description = "Secret with the bearer token of the backend's protected endpoints."
  value       = module.api_token.arn
}

output "basic_auth_secret_arn" {
  description = "Secret with user:password of the protected pages, or null where they have none."
  value       = one(module.basic_auth[*].arn)
}

output "origin_secrets" {
  description = "What CloudFront shows the load balancer, blue and green; null without CloudFront."
  value       = var.origin_secret_generations == null ? null : { for color, secret in data.aws_secretsmanager_secret_version.origin : color => secret.secret_string }
  sensitive   = true
}

output "workload_boundary_arn" {
  description = "The most that roles of tasks and services can ever have: CI makes no role without it. Null on the local cloud."
  value       = one([for name, policy in aws_iam_policy.boundary : policy.arn if name == "workload"])
}

output "role_arns" {
  description = "Roles of people and of CI (developer, qa, devops, product_owner, ci); none on the local cloud."
  value       = merge({ for name, role in aws_iam_role.person : name => role.arn }, { for role in aws_iam_role.ci : "ci" => role.arn })
}
