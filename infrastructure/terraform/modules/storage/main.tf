# forms: what visitors wrote; uploads: what they sent; logs: who asked for what; backups: exports that nobody can delete
# before their time. A fifth bucket, the state's, is made by the deployer: Terraform cannot make where its state lives.
locals {
  buckets = merge(
    {
      forms   = {}
      uploads = {}
      logs    = { own_key = false, expire_days = var.log_retention_days } # load balancers cannot write to another key
    },
    var.object_lock_days == null ? {} : { backups = { object_lock = true } },
  )
}

module "buckets" {
  source = "../buckets"

  buckets        = { for role, bucket in local.buckets : role => merge({ name = "${var.prefix}-${role}-${var.account_id}" }, bucket) }
  kms_key_arn    = var.kms_key_arn
  retention_days = var.retention_days
  force_destroy  = var.force_destroy
  statements     = { logs = jsonencode(local.log_delivery) }

  # The logs bucket keeps none about itself: each delivery would be one more to log.
  access_logs = { for role in keys(local.buckets) : role => module.buckets.accepting.logs if var.access_logs && role != "logs" }
}

# The deployer makes this bucket, too early to log into one of ours. What a release or a plan touches is in it.
resource "aws_s3_bucket_logging" "state" {
  count = var.access_logs ? 1 : 0

  bucket        = var.state_bucket
  target_bucket = module.buckets.accepting.logs
  target_prefix = "s3/state/"
}

# Governance: who may bypass it (s3:BypassGovernanceRetention) is a matter of IAM, and no role of ours may.
resource "aws_s3_bucket_object_lock_configuration" "backups" {
  count = var.object_lock_days == null ? 0 : 1

  bucket = module.buckets.versioned.backups
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = var.object_lock_days
    }
  }
}

# Whatever a bucket of this account is told later, and whoever makes it: none becomes public.
resource "aws_s3_account_public_access_block" "this" {
  count = var.owns_account ? 1 : 0

  account_id              = var.account_id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
