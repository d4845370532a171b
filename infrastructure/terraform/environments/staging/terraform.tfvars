# Staging: production in small. As shipped it names no real account: account_id has to be set before `cloud` means anything.
# `inv deploy --env=staging --cloud=local` rehearses it.

name           = "staging"
short_name     = "staging"
domain         = "staging.indivillage.com"
region         = "ap-south-1"
replica_region = "ap-southeast-1"
account_id     = "000000000000"
cloud          = "aws"
branch         = "staging"
owner          = "platform-team"
cost_centre    = "website-staging"

infrastructure_version = "1.0.0"
protect                = true

deployment = {
  strategy         = "blue_green"
  steps            = [{ weight_percent = 100, bake_s = 120 }]
  steady_timeout_s = 600
  rehearsal_factor = 0.05
}

services = {
  frontend = {
    cpu         = 512
    memory      = 1024
    count       = 2
    port        = 8080
    health_path = "/healthz"
    environment = {}
  }
  backend = {
    cpu         = 512
    memory      = 1024
    count       = 2
    port        = 8080
    health_path = "/readyz"
    environment = {}
  }
}

scaling = {
  min            = 2
  max            = 4
  cpu_percent    = 70
  memory_percent = 75
}

database = {
  engine_version        = "15"
  instance_class        = "db.t4g.small"
  allocated_storage_gb  = 50
  multi_az              = true
  backup_retention_days = 30
}

cache = {
  engine_version = "7.0"
  node_type      = "cache.t4g.small"
  nodes          = 2
}

backups = {
  retention_days = 30
}

alarms = {
  error_rate_percent = 5
  latency_p95_ms     = 1500
}

notifications = {
  emails = []
}

access = {
  basic_auth = true
  # On AWS a release is proven through the test listener (9000), which is open to these ranges and to nobody else: name
  # the addresses that deployments come from, e.g. ["203.0.113.7/32"]. `verify` refuses a release while there is none.
  test_cidrs = []

  # read: look. approve: and approve. test: and sign in as tests do. deploy: and release. full: and change infrastructure.
  roles = {
    developer     = "deploy"
    qa            = "test"
    devops        = "full"
    product_owner = "test"
  }
  admin_mfa = true
}

network = {
  nat = "single"
}

# Off: the workspace of production shows the metrics of the whole account.
grafana = {
  enabled = false
}

# The zone is there before: one environment of an account may make it (create_zone).
dns = {
  zone = "indivillage.com"
}

cdn = {
  enabled = true
}
