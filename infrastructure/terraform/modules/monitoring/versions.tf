terraform {
  required_version = ">= 1.11.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"

      # The second region: an alarm sees metrics of its own region only.
      configuration_aliases = [aws.replica]
    }
  }
}
