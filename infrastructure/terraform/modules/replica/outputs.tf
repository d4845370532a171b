output "buckets" {
  description = "Name and ARN of the buckets by role (forms, uploads, state), once they keep versions: S3 replicates to no others."
  value = { for role, versioning in aws_s3_bucket_versioning.this : role => {
    name = versioning.bucket
    arn  = aws_s3_bucket.this[role].arn
  } }
}

output "kms_key_arn" {
  description = "The key that encrypts what is kept in the second region."
  value       = aws_kms_key.this.arn
}

output "backup_vault_arn" {
  description = "Vault that receives copies of the database's backups, once it is locked."
  value       = aws_backup_vault_lock_configuration.this.backup_vault_arn
}
