#!/usr/bin/env bash
# The work of `inv deploy --env=dev` as a script of plain commands, one after the other: what the benchmark holds the
# deployer against. Gates, images, push, plan, apply, migration, both services, smoke test; no sleep but the tools' own.
#
#     plain.sh init        once: Terraform's working directory
#     plain.sh             take HEAD to development; the environment has to have been deployed once before
#
# Its surroundings are given: BASE_IMAGE, REGISTRY (host:port), SITE_URL, AWS_ENDPOINT, DOCKER (one that has BuildKit)
# and, where Terraform needs one, TF_CLI_CONFIG_FILE. In PATH: aws, git, nox, python3, terraform, uv.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
: "${BASE_IMAGE:?}" "${REGISTRY:?}" "${SITE_URL:?}" "${AWS_ENDPOINT:?}" "${DOCKER:?}"

cluster=indivillage-dev
work=$PWD/.cache/plain
configuration=infrastructure/terraform
environment=$PWD/$configuration/environments/development
commit=$(git rev-parse HEAD)
tag=dev-$commit
release=dev-$(date -u +%Y%m%dT%H%M%SZ)-${commit:0:7}
declare -A image definition

step() { printf 'plain: %3d s  %s\n' "$SECONDS" "$*" >&2; }

# Only from here on: a check of the code needs no key to anything.
use_cloud() {
  export AWS_ENDPOINT_URL=$AWS_ENDPOINT AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=ap-south-1
  export AWS_DEFAULT_REGION=$AWS_REGION AWS_EC2_METADATA_DISABLED=true AWS_PAGER=''
  export TF_DATA_DIR=$work/terraform TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
}

init() {
  local setting settings=()
  for setting in credentials_validation region_validation requesting_account_id metadata_api_check; do
    settings+=("-backend-config=skip_$setting=true")
  done
  terraform -chdir="$configuration" init -input=false -reconfigure -lockfile=readonly \
    -backend-config="$environment/backend.hcl" "${settings[@]}"
}

# The context is the image's folder with its Python packages beside it, as its Dockerfile wants them.
build() {
  local service=$1 context=$work/$1
  local -A machine=([x86_64]=x86_64-manylinux_2_28 [aarch64]=aarch64-manylinux_2_28)
  rm -rf "$context"
  cp -a "docker/$service" "$context"
  if [[ -f $context/requirements.txt ]]; then
    uv pip install --quiet --require-hashes --no-build --python-version 3.11 \
      --python-platform "${machine[$(uname -m)]}" --target "$context/site-packages" --requirement "$context/requirements.txt"
    # Programs name this machine's Python, and uv's lock is nobody's business.
    rm -rf "$context/site-packages/bin" "$context/site-packages/.lock"
  fi
  DOCKER_BUILDKIT=1 "$DOCKER" build --progress plain --build-arg BASE="$BASE_IMAGE" --build-arg COMMIT="$commit" \
    --tag "$REGISTRY/indivillage/$service:$tag" "$context"
}

push() {
  local repository=indivillage/$1 digest
  "$DOCKER" push --quiet "$REGISTRY/$repository:$tag"
  digest=$(aws ecr describe-images --repository-name "$repository" --image-ids imageTag="$tag" \
    --query 'imageDetails[0].imageDigest' --output text)
  image[$1]=$REGISTRY/$repository@$digest
}

infrastructure() {
  local code=0
  terraform -chdir="$configuration" plan -input=false -lock-timeout=10s -detailed-exitcode \
    -var-file="$environment/terraform.tfvars" -out="$work/plan" || code=$?
  case $code in
    0) ;;
    2) terraform -chdir="$configuration" apply -input=false -lock-timeout=10s "$work/plan" ;;
    *) return "$code" ;;
  esac
}

# A new revision of what the service runs now, with this image and this release.
register() {
  local service=$1 current
  current=$(aws ecs describe-services --cluster "$cluster" --services "$cluster-$service-blue" \
    --query 'services[0].taskDefinition' --output text)
  aws ecs describe-task-definition --task-definition "$current" --query taskDefinition --output json |
    python3 tests/bench/revise.py "${image[$service]}" "$release" "$commit" > "$work/$service.json"
  definition[$service]=$(aws ecs register-task-definition --cli-input-json "file://$work/$service.json" \
    --query taskDefinition.taskDefinitionArn --output text)
}

migrate() {
  local network task code
  network=$(aws ecs describe-services --cluster "$cluster" --services "$cluster-backend-blue" \
    --query 'services[0].networkConfiguration' --output json)
  task=$(aws ecs run-task --cluster "$cluster" --task-definition "${definition[backend]}" --launch-type FARGATE \
    --network-configuration "$network" --query 'tasks[0].taskArn' --output text --overrides \
    '{"containerOverrides": [{"name": "backend", "command": ["python3", "-m", "alembic", "upgrade", "head"]}]}')
  aws ecs wait tasks-stopped --cluster "$cluster" --tasks "$task"
  code=$(aws ecs describe-tasks --cluster "$cluster" --tasks "$task" --query 'tasks[0].containers[0].exitCode' --output text)
  [[ $code == 0 ]] || { step "the migration ended with exit code $code"; return 20; }
}

deploy() {
  aws ecs update-service --cluster "$cluster" --service "$cluster-$1-blue" --task-definition "${definition[$1]}" \
    --desired-count 1 --query service.serviceName --output text
  aws ecs wait services-stable --cluster "$cluster" --services "$cluster-$1-blue"
}

smoke_test() {
  SMOKE_URL=$SITE_URL SMOKE_RELEASE=$release SMOKE_ENVIRONMENT=dev SMOKE_CLOUD=local SMOKE_CLUSTER=$cluster \
    nox --session containers
}

mkdir -p "$work"
if [[ ${1:-} == init ]]; then
  use_cloud
  init
  exit
fi
step "gates"
nox --session lint types unit application scan
use_cloud
step "build"
build backend
build frontend
step "infrastructure"
infrastructure
step "push"
push backend
push frontend
step "migrate"
register backend
migrate
step "deploy"
deploy backend
register frontend
deploy frontend
step "smoke test"
smoke_test
step "$release is live"
