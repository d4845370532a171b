provider "aws" {
  region = var.region

  # Refuses to touch any account but the one that the environment names.
  allowed_account_ids = [var.account_id]

  # The local cloud is found by AWS_ENDPOINT_URL. It has no instance metadata and no bucket host names.
  skip_metadata_api_check     = local.local_cloud ? "true" : null
  skip_credentials_validation = local.local_cloud
  skip_region_validation      = local.local_cloud
  s3_use_path_style           = local.local_cloud

  default_tags {
    tags = local.tags
  }
}

# The region that takes over. Without `backups.replicate` nothing is made there.
provider "aws" {
  alias  = "replica"
  region = var.replica_region

  # Who we are is asked at home: a stand-in's second region is the one that was lost (docs/infrastructure/region-failure.md).
  sts_region = var.region

  allowed_account_ids = [var.account_id]

  skip_metadata_api_check     = local.local_cloud ? "true" : null
  skip_credentials_validation = local.local_cloud
  skip_region_validation      = local.local_cloud
  s3_use_path_style           = local.local_cloud

  default_tags {
    tags = local.tags
  }
}

# Where CloudFront looks for its certificate and its firewall. Without `cdn.enabled` nothing is made there.
provider "aws" {
  alias  = "edge"
  region = "us-east-1"

  allowed_account_ids = [var.account_id]

  skip_metadata_api_check     = local.local_cloud ? "true" : null
  skip_credentials_validation = local.local_cloud
  skip_region_validation      = local.local_cloud
  s3_use_path_style           = local.local_cloud

  default_tags {
    tags = local.tags
  }
}
