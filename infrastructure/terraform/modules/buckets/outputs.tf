output "names" {
  description = "Names by role."
  value       = { for role, bucket in aws_s3_bucket.this : role => bucket.bucket }
}

output "arns" {
  description = "ARNs by role."
  value       = { for role, bucket in aws_s3_bucket.this : role => bucket.arn }
}

output "versioned" {
  description = "Names by role, once the bucket keeps versions: whoever replicates or locks waits for this."
  value       = { for role, versioning in aws_s3_bucket_versioning.this : role => versioning.bucket }
}

output "accepting" {
  description = "Names by role, once the bucket's policy stands: whoever delivers waits for this."
  value       = { for role, policy in aws_s3_bucket_policy.this : role => policy.bucket }
}

output "domain_names" {
  description = "Host names by role, as CloudFront asks for them."
  value       = { for role, bucket in aws_s3_bucket.this : role => bucket.bucket_regional_domain_name }
}
