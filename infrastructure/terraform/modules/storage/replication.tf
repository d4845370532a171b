# What visitors wrote and sent, copied to the second region. With replication-time control AWS promises 15 minutes for
# 99.9% of the objects and measures it. Only what is written from then on: earlier objects take a batch job.
locals {
  replicated = var.replica == null ? toset([]) : toset(["forms", "uploads"])

  # What somebody needs who starts again there. Lease and journal are this region's, and rewritten all the time.
  state_bucket_arn    = "arn:aws:s3:::${var.state_bucket}"
  replicated_arns     = concat([for role in local.replicated : module.buckets.arns[role]], [local.state_bucket_arn])
  replicated_of_state = { state = "terraform.tfstate", ledger = "ledger/" }
}

# S3 documents no condition on who asks; nor does it need one: IAM hands roles to a service within the account only.
resource "aws_iam_role" "replication" {
  count = var.replica == null ? 0 : 1

  name                 = "${var.prefix}-replication"
  description          = "S3: copies forms, uploads and state to ${var.replica.region}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "replication" {
  count = var.replica == null ? 0 : 1

  name = "replication"
  role = aws_iam_role.replication[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Configuration"
        Effect   = "Allow"
        Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
        Resource = local.replicated_arns
      },
      {
        Sid      = "Originals"
        Effect   = "Allow"
        Action   = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
        Resource = [for arn in local.replicated_arns : "${arn}/*"]
      },
      {
        Sid      = "Copies"
        Effect   = "Allow"
        Action   = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]
        Resource = [for bucket in values(var.replica.buckets) : "${bucket.arn}/*"]
      },
      {
        Sid       = "OriginalsKey"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = var.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" } }
      },
      {
        Sid       = "CopiesKey"
        Effect    = "Allow"
        Action    = ["kms:Encrypt", "kms:GenerateDataKey"]
        Resource  = var.replica.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${var.replica.region}.amazonaws.com" } }
      },
    ]
  })
}

resource "aws_s3_bucket_replication_configuration" "this" {
  for_each = local.replicated

  # S3 refuses to replicate what keeps no versions.
  bucket = module.buckets.versioned[each.key]
  role   = aws_iam_role.replication[0].arn

  rule {
    id     = "second-region"
    status = "Enabled"
    filter {}

    # Where an object is deleted it is deleted in both, and can be brought back in both.
    delete_marker_replication {
      status = "Enabled"
    }

    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }

    destination {
      bucket = var.replica.buckets[each.key].arn

      encryption_configuration {
        replica_kms_key_id = var.replica.kms_key_arn
      }

      replication_time {
        status = "Enabled"
        time {
          minutes = 15
        }
      }

      metrics {
        status = "Enabled"
        event_threshold {
          minutes = 15
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.replication]
}

# The deployer makes this bucket and keeps versions in it. A few objects a release: nobody has to measure their way.
resource "aws_s3_bucket_replication_configuration" "state" {
  count = var.replica == null ? 0 : 1

  bucket = var.state_bucket
  role   = aws_iam_role.replication[0].arn

  dynamic "rule" {
    for_each = local.replicated_of_state
    content {
      id       = rule.key
      priority = index(keys(local.replicated_of_state), rule.key)
      status   = "Enabled"

      filter {
        prefix = rule.value
      }

      delete_marker_replication {
        status = "Disabled"
      }

      destination {
        bucket = var.replica.buckets.state.arn

        encryption_configuration {
          replica_kms_key_id = var.replica.kms_key_arn
        }
      }

      # What Terraform and the deployer write is encrypted with the state's own key, whose policy lets S3 decrypt it for
      # whoever S3 lets at the object (deployer/aws/state_key.py).
      source_selection_criteria {
        sse_kms_encrypted_objects {
          status = "Enabled"
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.replication]
}
