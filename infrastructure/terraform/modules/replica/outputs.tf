output "buckets" {
  description = "Name and ARN of the buckets by role (forms, uploads, state), once they keep versions: S3 replicates to no others."
  value = { for role, name in module.buckets.versioned : role => {
    name = name
    arn  = module.buckets.arns[role]
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

output "database_backups_arn" {
  description = "The copied automated backups, as whoever restores them names them; null where there are none."
  value       = one(aws_db_instance_automated_backups_replication.this[*].id)
}
