output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "subnets" {
  description = "Subnet ids by kind (public, private, data), in zone order."
  value = {
    public  = [for zone in sort(keys(local.zones)) : aws_subnet.public[zone].id]
    private = [for zone in sort(keys(local.zones)) : aws_subnet.private[zone].id]
    data    = [for zone in sort(keys(local.zones)) : aws_subnet.data[zone].id]
  }
}

output "security_groups" {
  description = "Security group ids by role: public-alb, frontend, internal-alb, backend, database, cache."
  value       = { for role, group in aws_security_group.this : role => group.id }
}
