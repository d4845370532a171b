# Where production keeps its Terraform state. The deployer creates this bucket before the first `terraform init`.
bucket         = "indivillage-prod-state-000000000000"
key            = "terraform.tfstate"
region         = "ap-south-1"
encrypt        = true
use_lockfile   = true
use_path_style = true
