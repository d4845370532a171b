output "names" {
  description = "Bucket names by role: forms, uploads, logs."
  value       = { for role, name in module.buckets.names : role => name if role != "backups" }
}

output "arns" {
  description = "Bucket ARNs by role: forms, uploads, logs."
  value       = { for role, arn in module.buckets.arns : role => arn if role != "backups" }
}

output "log_delivery" {
  description = "The logs bucket once it accepts deliveries: whoever writes there waits for this."
  value = {
    name = module.buckets.accepting.logs
    arn  = module.buckets.arns.logs
  }
}

output "backups_bucket" {
  description = "Bucket whose objects cannot be deleted for object_lock_days, or null where there is none."
  value       = var.object_lock_days == null ? null : module.buckets.names.backups
}

output "replication" {
  description = "Dimensions of the AWS/S3 replication metrics (ReplicationLatency, OperationsFailedReplication) by role; empty without a replica."
  value = { for role, replication in aws_s3_bucket_replication_configuration.this : role => {
    SourceBucket      = replication.bucket
    DestinationBucket = var.replica.buckets[role].name
    RuleId            = one(replication.rule[*].id)
  } }
}

output "file_system" {
  description = "Id of the shared file system, or null where there is none."
  value       = one(aws_efs_file_system.this[*].id)
}
