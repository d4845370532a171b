terraform {
  required_version = ">= 1.11.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"

      # edge: us-east-1, where CloudFront looks for its certificate and its web ACL, and keeps its logs' settings. replica:
      # the region that is there when this one is not.
      configuration_aliases = [aws.edge, aws.replica]
    }
  }
}
