output "kms_key_arn" {
  description = "The environment's key."
  value       = aws_kms_key.this.arn
}

output "api_token_secret_arn" {
  description = "Secret with the bearer token of the backend's protected endpoints."
  value       = module.api_token.arn
}

output "basic_auth_secret_arn" {
  description = "Secret with user:password of the protected pages, or null where they have none."
  value       = one(module.basic_auth[*].arn)
}
