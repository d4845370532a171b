# Development: the single source for this environment. Terraform reads it, and the deployer reads the same file.
# As shipped it lives on the local cloud; `cloud` and `account_id` are what move it to an AWS account.

name           = "development"
short_name     = "dev"
domain         = "dev.indivillage.com"
region         = "ap-south-1"
replica_region = "ap-southeast-1"
account_id     = "000000000000"
cloud          = "local"
branch         = "develop"
owner          = "platform-team"
cost_centre    = "website-development"

infrastructure_version = "1.0.0"
protect                = false # its data is synthetic by rule: it goes as easily as it comes
owns_account           = true  # image repositories and what else an account has once; the others use them

deployment = {
  strategy         = "rolling"
  steps            = [{ weight_percent = 100, bake_s = 0 }]
  steady_timeout_s = 300
}

services = {
  frontend = {
    cpu         = 256
    memory      = 512
    count       = 1
    port        = 8080
    health_path = "/healthz"
    environment = {}
  }
  backend = {
    cpu         = 256
    memory      = 512
    count       = 1
    port        = 8080
    health_path = "/readyz"
    environment = {}
  }
}

scaling = {
  min            = 1
  max            = 2
  cpu_percent    = 70
  memory_percent = 75
}

database = {
  engine_version        = "15"
  instance_class        = "db.t4g.micro"
  allocated_storage_gb  = 20
  multi_az              = false
  backup_retention_days = 30
}

cache = {
  engine_version = "7.0"
  node_type      = "cache.t4g.micro"
  nodes          = 1
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

  # read: look. approve: and approve. test: and sign in as tests do. deploy: and release. full: and change infrastructure.
  roles = {
    developer     = "full"
    qa            = "test"
    devops        = "full"
    product_owner = "test"
  }
  admin_mfa = false
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
