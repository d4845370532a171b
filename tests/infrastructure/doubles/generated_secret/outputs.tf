output "arn" {
  description = "ARN of the secret."
  value       = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:${var.name}"
}

output "generation" {
  description = "Which value is current."
  value       = var.generation
}

output "value" {
  description = "The value, with the word drawn for the password."
  value       = local.drawn
}
