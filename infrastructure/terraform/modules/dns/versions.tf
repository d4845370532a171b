terraform {
  required_version = ">= 1.11.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"

      # edge: us-east-1, where CloudFront looks for its certificate. replica: the region that takes over.
      configuration_aliases = [aws.edge, aws.replica]
    }
  }
}
