terraform {
  # 1.10 brought native S3 state locking (use_lockfile), 1.11 write-only arguments: both are used here.
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  backend "s3" {}
}
