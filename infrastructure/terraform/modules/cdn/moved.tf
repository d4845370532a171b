# Buckets stay when the code that describes them moves.
moved {
  from = aws_s3_bucket.this
  to   = module.page.aws_s3_bucket.this["cdn"]
}

moved {
  from = aws_s3_bucket_versioning.this
  to   = module.page.aws_s3_bucket_versioning.this["cdn"]
}

moved {
  from = aws_s3_bucket_server_side_encryption_configuration.this
  to   = module.page.aws_s3_bucket_server_side_encryption_configuration.this["cdn"]
}

moved {
  from = aws_s3_bucket_public_access_block.this
  to   = module.page.aws_s3_bucket_public_access_block.this["cdn"]
}

moved {
  from = aws_s3_bucket_ownership_controls.this
  to   = module.page.aws_s3_bucket_ownership_controls.this["cdn"]
}

moved {
  from = aws_s3_bucket_lifecycle_configuration.this
  to   = module.page.aws_s3_bucket_lifecycle_configuration.this["cdn"]
}

moved {
  from = aws_s3_bucket_logging.this
  to   = module.page.aws_s3_bucket_logging.this["cdn"]
}

moved {
  from = aws_s3_bucket_policy.this
  to   = module.page.aws_s3_bucket_policy.this["cdn"]
}
