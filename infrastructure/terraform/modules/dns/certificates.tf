# Certificates, which ACM issues and renews as long as a record proves that the name is ours. The proof is the same in all
# regions. One for the load balancer, one for CloudFront, and one that already lies where a load balancer would have to
# stand if the first region were lost.
locals {
  origin_names = var.cdn ? [var.origin_name] : []
  names        = toset(concat([var.domain], local.origin_names))
}

resource "aws_acm_certificate" "home" {
  domain_name               = var.domain
  subject_alternative_names = local.origin_names
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_acm_certificate" "edge" {
  provider = aws.edge
  count    = var.cdn ? 1 : 0

  domain_name       = var.domain
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_acm_certificate" "replica" {
  provider = aws.replica
  count    = var.replicate ? 1 : 0

  domain_name               = var.domain
  subject_alternative_names = local.origin_names
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "proof" {
  for_each = local.names

  zone_id         = local.zone_id
  name            = local.proofs[each.key].resource_record_name
  type            = local.proofs[each.key].resource_record_type
  records         = [local.proofs[each.key].resource_record_value]
  ttl             = 300
  allow_overwrite = true # an earlier certificate of the name left the very same record
}

locals {
  proofs = { for name in local.names : name => one([for option in aws_acm_certificate.home.domain_validation_options : option if option.domain_name == name]) }
}

resource "aws_acm_certificate_validation" "home" {
  certificate_arn         = aws_acm_certificate.home.arn
  validation_record_fqdns = values(aws_route53_record.proof)[*].fqdn
}

resource "aws_acm_certificate_validation" "edge" {
  provider = aws.edge
  count    = var.cdn ? 1 : 0

  certificate_arn         = aws_acm_certificate.edge[0].arn
  validation_record_fqdns = [aws_route53_record.proof[var.domain].fqdn]
}

resource "aws_acm_certificate_validation" "replica" {
  provider = aws.replica
  count    = var.replicate ? 1 : 0

  certificate_arn         = aws_acm_certificate.replica[0].arn
  validation_record_fqdns = values(aws_route53_record.proof)[*].fqdn
}
