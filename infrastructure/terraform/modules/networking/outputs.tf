output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "public_subnets" {
  description = "Public subnet ids in zone order, once they have a way to the internet: AWS makes no public load balancer before."
  value       = [for zone in sort(keys(local.zones)) : aws_subnet.public[zone].id]
  depends_on  = [aws_route.internet, aws_route_table_association.public]
}

output "subnets" {
  description = "Subnet ids by kind (private, data), in zone order."
  value = {
    private = [for zone in sort(keys(local.zones)) : aws_subnet.private[zone].id]
    data    = [for zone in sort(keys(local.zones)) : aws_subnet.data[zone].id]
  }
}

output "security_groups" {
  description = "Security group ids by role: public-alb, frontend, internal-alb, backend, database, cache, reconciler, and where there are some file-system and endpoints."
  value       = { for role, group in aws_security_group.this : role => group.id }
}
