# A secret whose value no file, plan, state or log ever holds: it is drawn by Secrets Manager while the apply runs
# (ephemeral), written through a write-only argument, and read back from there by whoever needs it during the apply.
# A module of its own because mocked providers cannot stand in for ephemeral resources.
resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:tasks read them when they start: a raised generation and a release replace them (docs/infrastructure/controls.md, SecretsManager.1)

  name                    = var.name
  description             = var.description
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_window_days
}

ephemeral "aws_secretsmanager_random_password" "this" {
  password_length     = var.length
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "this" {
  secret_id                = aws_secretsmanager_secret.this.id
  secret_string_wo         = format(var.template, ephemeral.aws_secretsmanager_random_password.this.random_password)
  secret_string_wo_version = var.generation
}

# The stored value is the truth: an apply that was cut off half-way must not give the database another password
# than the one the tasks will read.
ephemeral "aws_secretsmanager_secret_version" "stored" {
  secret_id = aws_secretsmanager_secret_version.this.secret_id
}
