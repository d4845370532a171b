output "topology" {
  description = "What the deployer needs to know of this environment; the same object as the SSM parameter."
  value       = local.topology
}

output "topology_parameter" {
  description = "Name of the SSM parameter that holds the topology as JSON."
  value       = aws_ssm_parameter.topology.name
}

output "cdn" {
  description = "Where the domain's record has to point: CloudFront's name and zone; null without it."
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
