output "address" {
  description = "Where the domain's record has to point: a name, and its zone for an alias record."
  value = {
    dns_name       = aws_cloudfront_distribution.this.domain_name
    hosted_zone_id = aws_cloudfront_distribution.this.hosted_zone_id
  }
}

output "distribution_id" {
  description = "The distribution, as its metrics and `aws cloudfront create-invalidation` name it."
  value       = aws_cloudfront_distribution.this.id
}
