# Production. As shipped it names no real account: account_id has to be set before `cloud` means anything.
# `inv deploy --env=prod --cloud=local` rehearses it.

name           = "production"
short_name     = "prod"
domain         = "www.indivillage.com"
region         = "ap-south-1"
replica_region = "ap-southeast-1"
account_id     = "000000000000"
cloud          = "aws"
branch         = "main"
owner          = "platform-team"
cost_centre    = "website-production"

infrastructure_version = "1.0.0"
protect                = true

deployment = {
  strategy = "blue_green"
  steps = [
    { weight_percent = 10, bake_s = 300 },
    { weight_percent = 50, bake_s = 300 },
    { weight_percent = 100, bake_s = 600 },
  ]
  steady_timeout_s = 600
  rehearsal_factor = 0.02
}

services = {
  frontend = {
    cpu         = 1024
    memory      = 2048
    count       = 2
    port        = 8080
    health_path = "/healthz"
    environment = {}
  }
  backend = {
    cpu         = 1024
    memory      = 2048
    count       = 2
    port        = 8080
    health_path = "/readyz"
    environment = {}
  }
}

scaling = {
  min            = 2
  max            = 10
  cpu_percent    = 70
  memory_percent = 75
}

database = {
  engine_version        = "15"
  instance_class        = "db.m7g.large"
  allocated_storage_gb  = 100
  multi_az              = true
  backup_retention_days = 30
  replicate             = true
}

cache = {
  engine_version = "7.0"
  node_type      = "cache.m7g.large"
  nodes          = 2
}

backups = {
  retention_days = 30
  replicate      = true
}

alarms = {
  error_rate_percent = 1
  latency_p95_ms     = 1000
}

notifications = {
  emails = []
}

access = {
  basic_auth = false
  # On AWS a release is proven through the test listener (9000), which is open to these ranges and to nobody else: name
  # the addresses that deployments come from, e.g. ["203.0.113.7/32"]. `verify` refuses a release while there is none.
  test_cidrs = []

  # read: look. approve: and approve. test: and sign in as tests do. deploy: and release. full: and change infrastructure.
  roles = {
    developer     = "read"
    qa            = "read"
    devops        = "full"
    product_owner = "approve"
  }
  admin_mfa = true
}

network = {
  nat = "per_zone"
}

# Wants IAM Identity Center in the account; who may sign in stands in groups, e.g. { viewer = ["<id of a group>"] }.
grafana = {
  enabled = true
}

# The zone is there before: one environment of an account may make it (create_zone).
dns = {
  zone         = "indivillage.com"
  health_check = true
}

cdn = {
  enabled = true
}
