output "certificate_arn" {
  description = "The load balancer's certificate, once it is issued."
  value       = aws_acm_certificate_validation.home.certificate_arn
}

output "edge_certificate_arn" {
  description = "CloudFront's certificate, once it is issued; null without CloudFront."
  value       = one(aws_acm_certificate_validation.edge[*].certificate_arn)
}

output "origin_name" {
  description = "The name by which the load balancer is found, once it is; null without CloudFront."
  value       = try(aws_route53_record.origin["primary"].name, null)
}

output "name_servers" {
  description = "What the registrar has to be told; null where the zone was there before."
  value       = one(aws_route53_zone.this[*].name_servers)
}

output "health_check_id" {
  description = "The check that asks as a visitor does, as its metric in us-east-1 names it; null without."
  value       = one(aws_route53_health_check.visitors[*].id)
}

output "switch_id" {
  description = "The health check that keeps visitors away from the first region once it is inverted; null while there is no second load balancer."
  value       = one(aws_route53_health_check.first_region[*].id)
}
