output "topology" {
  description = "What the deployer needs to know of this environment; the same object as the SSM parameter."
  value       = local.topology
}

output "topology_parameter" {
  description = "Name of the SSM parameter that holds the topology as JSON."
  value       = aws_ssm_parameter.topology.name
}

output "cdn" {
  description = "Where the domain's record has to point, and does where DNS is ours: CloudFront's name and zone; null without it."
  value       = one(module.cdn[*].address)
}

output "url" {
  description = "Where visitors find the website."
  value       = local.topology.url
}

output "grafana" {
  description = "Where Grafana shows the account's metrics; null without it."
  value       = module.monitoring.grafana
}

output "dns" {
  description = "What a person needs of Route 53: name servers for the registrar (null where the zone was there before), the health check that asks as visitors do, and the switch that keeps visitors away from a lost region (null while there is no second load balancer). Null where DNS is not ours."
  value = one([for dns in module.dns : {
    name_servers    = dns.name_servers
    health_check_id = dns.health_check_id
    switch_id       = dns.switch_id
  }])
}

output "replica" {
  description = "What stands in the second region to start again from: its region, the key, the buckets and the ARN of the database's backups; null where nothing does."
  value = one([for replica in module.replica : {
    region      = var.replica_region
    kms_key_arn = replica.kms_key_arn
    buckets     = { for role, bucket in replica.buckets : role => bucket.name }
    database    = replica.database_backups_arn
  }])
}
