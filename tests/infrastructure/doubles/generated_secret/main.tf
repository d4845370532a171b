# Stands in for the main.tf of modules/security/generated_secret, whose ephemeral resources mocked providers cannot play.
locals {
  drawn = format(var.template, "drawn")
}
