# CloudFront in front of the public load balancer. Hashed assets are kept at the edge; pages and /api never are, so that a
# shift between colors and a rollback reach every visitor at once. Error pages are the application's own, but where the
# load balancer itself has no answer (502, 504): that page lies in S3, and in a second region's, too, where there is one.
locals {
  balancer    = "load-balancer"
  failover    = "second-region"
  unavailable = "unavailable"
  copy        = "unavailable-second-region"

  # Only what is read may fail over: CloudFront allows no other methods in a behavior with two origins.
  read   = ["GET", "HEAD", "OPTIONS"]
  all    = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
  reader = var.failover_dns_name == null ? local.balancer : "either"
  page   = var.second_region ? "either-page" : local.unavailable

  origins = merge(
    { (local.balancer) = var.origin_name },
    var.failover_dns_name == null ? {} : { (local.failover) = var.failover_dns_name },
  )

  # AWS's own policies, the same in every account:
  # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
  # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
  caching_disabled  = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
  caching_optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  all_viewer        = "216adef6-5c7f-47e4-b989-5492eafa07d3" # also Host, which the load balancer's certificate is for

  # Any other error is asked for again by the next visitor: one color may lack for a moment what the other has.
  errors = [400, 403, 404, 405, 414, 416, 500, 501, 503]
}

resource "aws_cloudfront_distribution" "this" {
  #checkov:skip=CKV2_AWS_47:AWSManagedRulesKnownBadInputsRuleSet is in firewall.tf (local.managed); checkov reads no dynamic rules
  #checkov:skip=CKV_AWS_374:the site is for everybody, wherever they are
  #checkov:skip=CKV_AWS_86:logged by standard logging v2 (logs.tf); the older one writes by ACL, which no bucket of ours allows

  enabled             = true
  comment             = "${var.prefix}: ${var.domain}"
  aliases             = [var.domain]
  default_root_object = "index.html"
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = var.price_class
  web_acl_id          = aws_wafv2_web_acl.edge.arn

  dynamic "origin" {
    for_each = local.origins
    content {
      origin_id   = origin.key
      domain_name = origin.value

      custom_origin_config {
        http_port                = 80
        https_port               = 443
        origin_protocol_policy   = "https-only"
        origin_ssl_protocols     = ["TLSv1.2"]
        origin_read_timeout      = 60 # a request may take 50 s to arrive (deployer/draining.py)
        origin_keepalive_timeout = 55 # less than the load balancer's idle timeout
      }

      custom_header {
        name  = local.origin_header
        value = var.origin_secrets[var.origin_secret_sent]
      }
    }
  }

  origin {
    origin_id                = local.unavailable
    domain_name              = module.page.domain_names.cdn
    origin_access_control_id = aws_cloudfront_origin_access_control.this.id
  }

  dynamic "origin" {
    for_each = var.second_region ? [1] : []
    content {
      origin_id                = local.copy
      domain_name              = module.page_copy[0].domain_names.cdn-copy
      origin_access_control_id = aws_cloudfront_origin_access_control.this.id
    }
  }

  dynamic "origin_group" {
    for_each = var.failover_dns_name == null ? [] : [local.reader]
    content {
      origin_id = origin_group.value

      failover_criteria {
        status_codes = [502, 503, 504]
      }

      member {
        origin_id = local.balancer
      }

      member {
        origin_id = local.failover
      }
    }
  }

  # S3 says 403 or 404 where an object or a bucket is gone, nothing where a region is.
  dynamic "origin_group" {
    for_each = var.second_region ? [1] : []
    content {
      origin_id = local.page

      failover_criteria {
        status_codes = [403, 404, 500, 502, 503, 504]
      }

      member {
        origin_id = local.unavailable
      }

      member {
        origin_id = local.copy
      }
    }
  }

  default_cache_behavior {
    target_origin_id           = local.reader
    allowed_methods            = local.read
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "redirect-to-https"
    cache_policy_id            = local.caching_disabled
    origin_request_policy_id   = local.all_viewer
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    compress                   = true
  }

  ordered_cache_behavior {
    path_pattern               = "/api/*"
    target_origin_id           = local.balancer
    allowed_methods            = local.all
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "https-only"
    cache_policy_id            = local.caching_disabled
    origin_request_policy_id   = local.all_viewer
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    compress                   = true
  }

  # Named after their content, and marked so by the frontend: as long as it says, up to a year.
  ordered_cache_behavior {
    path_pattern               = "/assets/*"
    target_origin_id           = local.reader
    allowed_methods            = local.read
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "redirect-to-https"
    cache_policy_id            = local.caching_optimized
    origin_request_policy_id   = local.all_viewer
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    compress                   = true
  }

  ordered_cache_behavior {
    path_pattern               = "/${local.page_folder}/*"
    target_origin_id           = local.page
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "redirect-to-https"
    cache_policy_id            = local.caching_optimized
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    compress                   = true
  }

  # 503 stays as it is: it may be the backend's own, which tells the browser what to do.
  dynamic "custom_error_response" {
    for_each = toset([502, 504])
    content {
      error_code            = custom_error_response.value
      response_code         = custom_error_response.value
      response_page_path    = "/${aws_s3_object.unavailable.key}"
      error_caching_min_ttl = 0
    }
  }

  dynamic "custom_error_response" {
    for_each = toset(local.errors)
    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    minimum_protocol_version = "TLSv1.2_2021"
    ssl_support_method       = "sni-only"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
}

# What the frontend says of itself stands (it knows its scripts); what comes from elsewhere — the firewall, the error
# page, the load balancer — gets the same here.
resource "aws_cloudfront_response_headers_policy" "this" {
  #checkov:skip=CKV_AWS_259:no override: the application's own header stands; no preload: that list is for the whole domain to decide

  name    = var.prefix
  comment = "Security headers where the application sends none"

  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 63072000
      include_subdomains         = true
      override                   = false
    }

    content_security_policy {
      content_security_policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
      override                = false
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = "strict-origin-when-cross-origin"
      override        = false
    }
  }
}
