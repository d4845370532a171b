# Buckets stay when the code that describes them moves.
moved {
  from = aws_s3_bucket.this
  to   = module.buckets.aws_s3_bucket.this
}

moved {
  from = aws_s3_bucket_versioning.this
  to   = module.buckets.aws_s3_bucket_versioning.this
}

moved {
  from = aws_s3_bucket_server_side_encryption_configuration.this
  to   = module.buckets.aws_s3_bucket_server_side_encryption_configuration.this
}

moved {
  from = aws_s3_bucket_public_access_block.this
  to   = module.buckets.aws_s3_bucket_public_access_block.this
}

moved {
  from = aws_s3_bucket_ownership_controls.this
  to   = module.buckets.aws_s3_bucket_ownership_controls.this
}

moved {
  from = aws_s3_bucket_lifecycle_configuration.this
  to   = module.buckets.aws_s3_bucket_lifecycle_configuration.this
}

moved {
  from = aws_s3_bucket_policy.this
  to   = module.buckets.aws_s3_bucket_policy.this
}
