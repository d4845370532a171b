# One account holds every environment and one registry, so what was tested in staging is the very image that production
# runs. The environment that owns the registry creates the repositories; the others only use their names.
resource "aws_ecr_repository" "this" {
  for_each = var.owns_registry ? local.repositories : {}

  name                 = each.value
  image_tag_mutability = "MUTABLE" # <environment>-latest and stable move; releases are deployed by digest
  force_delete         = var.force_delete_images

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

# An image that a rule of higher priority selects is out of reach for the rules below it: whatever is called stable or
# <environment>-latest stays, however old it is.
resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy = jsonencode({
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
