terraform {
  required_version = ">= 1.11.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"

      # us-east-1: where CloudFront looks for its certificate and its web ACL, and keeps its logs' settings.
      configuration_aliases = [aws.edge]
    }
  }
}
