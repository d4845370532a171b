# Who may do what, and what keeps secrets: the environment's key and secrets, roles of people and CI with their boundaries,
# and what watches the account.

# One key for an environment: what dev encrypts, nobody in staging can read.
resource "aws_kms_key" "this" {
  description             = "${var.prefix}: database, secrets, forms, uploads, logs, topics"
  enable_key_rotation     = true
  deletion_window_in_days = max(7, var.recovery_window_days)
}

# Apart from the key: the database waits for the key, and need not wait for AWS to spread the policy as well.
resource "aws_kms_key_policy" "this" {
  key_id = aws_kms_key.this.key_id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "IdentitiesOfThisAccount"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "LogGroups"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${var.region}:${var.account_id}:log-group:*" }
        }
      },
      {
        # Whatever publishes to an encrypted topic has to be let in by its key as well. Named by what is encrypted: of
        # these services EventBridge does not say for whom it calls.
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        Sid       = "Topics"
        Effect    = "Allow"
        Principal = { Service = ["cloudwatch.amazonaws.com", "events.amazonaws.com", "events.rds.amazonaws.com"] }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = {
          ArnLike = { "kms:EncryptionContext:aws:sns:topicArn" = "arn:aws:sns:${var.region}:${var.account_id}:${var.prefix}-*" }
        }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.prefix}"
  target_key_id = aws_kms_key.this.key_id
}

module "api_token" {
  source = "./generated_secret"

  name                 = "${var.prefix}/api-token"
  description          = "Bearer token that opens GET /api/forms/{id}"
  kms_key_arn          = aws_kms_key.this.arn
  recovery_window_days = var.recovery_window_days
}

# Two, so that one can be replaced while CloudFront sends the other.
module "origin_secret" {
  source   = "./generated_secret"
  for_each = coalesce(var.origin_secret_generations, {})

  name                 = "${var.prefix}/origin-${each.key}"
  description          = "Header by which the load balancer knows our distribution"
  generation           = each.value
  kms_key_arn          = aws_kms_key.this.arn
  recovery_window_days = var.recovery_window_days
}

# CloudFront and WAF have no write-only arguments: they are handed the stored values, which the state then holds, too. It
# waits for what the apply writes, so that a raised generation reaches both in the same run.
data "aws_secretsmanager_secret_version" "origin" {
  for_each = coalesce(var.origin_secret_generations, {})

  secret_id  = module.origin_secret[each.key].arn
  depends_on = [module.origin_secret]
}

module "basic_auth" {
  source = "./generated_secret"
  count  = var.basic_auth ? 1 : 0

  name                 = "${var.prefix}/basic-auth"
  description          = "user:password of the protected pages"
  template             = "qa:%s"
  kms_key_arn          = aws_kms_key.this.arn
  recovery_window_days = var.recovery_window_days
}
