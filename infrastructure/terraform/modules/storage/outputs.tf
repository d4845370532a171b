output "names" {
  description = "Bucket names by role: forms, uploads, logs."
  value       = { for role, bucket in aws_s3_bucket.this : role => bucket.id }
}

output "arns" {
  description = "Bucket ARNs by role: forms, uploads, logs."
  value       = { for role, bucket in aws_s3_bucket.this : role => bucket.arn }
}

output "log_delivery" {
  description = "The logs bucket once it accepts deliveries: whoever writes there waits for this."
  value = {
    name = aws_s3_bucket_policy.this["logs"].bucket
    arn  = aws_s3_bucket.this["logs"].arn
  }
}
