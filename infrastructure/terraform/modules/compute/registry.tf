# One account holds every environment and one registry, so what was tested in staging is the very image that production
# runs. The environment that owns the registry creates the repositories; the others only use their names.
#
# `<environment>-<commit>` names one content for ever; `<environment>-latest` and `stable` move. The provider's own
# resource learned of such exceptions in 6.8, and 5.100 can only do all or nothing: on AWS the repositories are made
# through Cloud Control instead, which takes whatever CloudFormation knows.
locals {
  own_repositories       = var.owns_registry && !var.immutable_images ? local.repositories : {}
  immutable_repositories = var.owns_registry && var.immutable_images ? local.repositories : {}
}

resource "aws_ecr_repository" "this" {
  #checkov:skip=CKV_AWS_136:one registry for all environments, whose keys are each their own; images hold no secrets and no visitor's data
  #checkov:skip=CKV_AWS_51:the local cloud's only; on AWS the repositories below are immutable but for what has to move

  for_each = local.own_repositories

  name                 = each.value
  image_tag_mutability = "MUTABLE" # MiniStack knows no exceptions
  force_delete         = var.force_delete_images

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

# Cloud Control does not see the provider's default tags.
data "aws_default_tags" "this" {
  count = length(local.immutable_repositories) > 0 ? 1 : 0
}

resource "aws_cloudcontrolapi_resource" "repository" {
  for_each = local.immutable_repositories

  type_name = "AWS::ECR::Repository"
  desired_state = jsonencode({
    RepositoryName     = each.value
    ImageTagMutability = "IMMUTABLE_WITH_EXCLUSION"
    ImageTagMutabilityExclusionFilters = [for pattern in ["*-latest", "stable"] : {
      ImageTagMutabilityExclusionFilterType  = "WILDCARD"
      ImageTagMutabilityExclusionFilterValue = pattern
    }]
    ImageScanningConfiguration = { ScanOnPush = true }
    EncryptionConfiguration    = { EncryptionType = "AES256" }
    Tags                       = [for key, value in data.aws_default_tags.this[0].tags : { Key = key, Value = value }]
  })
}

# An image that a rule of higher priority selects is out of reach for the rules below it: whatever is called stable or
# <environment>-latest stays, however old it is.
locals {
  image_lifecycle_policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "keep the known good image"
        selection    = { tagStatus = "tagged", tagPatternList = ["stable"], countType = "imageCountMoreThan", countNumber = 1 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "keep the newest image of each environment"
        selection    = { tagStatus = "tagged", tagPatternList = ["*-latest"], countType = "imageCountMoreThan", countNumber = 10 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 3
        description  = "keep everything else for 180 days"
        selection    = { tagStatus = "any", countType = "sinceImagePushed", countUnit = "days", countNumber = 180 }
        action       = { type = "expire" }
      },
    ]
  })
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = var.owns_registry ? local.repositories : {}

  # Cloud Control's id of a repository is its name.
  repository = var.immutable_images ? aws_cloudcontrolapi_resource.repository[each.key].id : aws_ecr_repository.this[each.key].name
  policy     = local.image_lifecycle_policy
}

# Once for the whole registry, whoever of an account's environments asks for it; two that did would undo each other.
resource "aws_ecr_replication_configuration" "this" {
  count = var.image_replica_region == null ? 0 : 1

  replication_configuration {
    rule {
      destination {
        region      = var.image_replica_region
        registry_id = var.account_id
      }

      repository_filter {
        filter      = "indivillage/"
        filter_type = "PREFIX_MATCH"
      }
    }
  }
}
