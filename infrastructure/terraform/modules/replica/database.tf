# The database's automated backups, with what was written since: RDS copies them here as it makes them, and any moment that
# has arrived can be restored here. Why no read replica: docs/adr/0012-second-region.md.
resource "aws_db_instance_automated_backups_replication" "this" {
  count = var.database == null ? 0 : 1

  source_db_instance_arn = var.database.source_arn
  kms_key_id             = aws_kms_key.this.arn # a key does not leave its region
  retention_period       = var.database.backup_retention_days
}
