"""The environment variables that configure the backend, read and checked once at start."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


class SettingsError(Exception):
    """The environment does not describe a runnable backend; the message names every variable that is wrong."""


class Secret:
    """A string that shows itself only when asked: repr, str, logs and tracebacks print `***`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret text. Never log or format the result."""
        return self._value

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True)
class Build:
    """What runs here; every value is set by the deployment and is safe to publish."""

    environment: str
    release: str
    commit: str
    color: str
    image_digest: str

    def to_json(self) -> dict[str, str]:
        """Return the body of /api/version."""
        return {
            "service": "backend",
            "environment": self.environment,
            "release": self.release,
            "commit": self.commit,
            "color": self.color,
            "image_digest": self.image_digest,
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the backend reads from its environment, except PG*, which asyncpg reads by itself.

    `trusted_hops` counts the proxies between a visitor and this process that each append to X-Forwarded-For: public
    load balancer, frontend, internal load balancer. `endpoint_url` is set where S3 is not AWS's own. What a deployment
    says of times (seconds) is in order with its load balancers' (deployer/draining.py): how long a request may take to
    arrive, how long an idle connection stays open, how long what is under way may take after SIGTERM.
    `redis_iam_*`, both or none: as whom and to which ElastiCache cluster the task's role signs in. Without them Redis
    asks nobody. `database_secret` is the ARN from which new connections to the database read user and password, where
    the password is replaced while tasks run.
    """

    redis_url: Secret
    forms_bucket: str
    uploads_bucket: str
    region: str
    api_token: Secret
    build: Build
    endpoint_url: str | None = None
    redis_iam_user: str | None = None
    redis_iam_cluster: str | None = None
    database_secret: str | None = None
    rate_limit_per_minute: int = 120
    trusted_hops: int = 3
    keep_alive_s: int = 75
    request_timeout_s: int = 50
    grace_s: int = 25
    port: int = 8080


_REQUIRED = (
    "PGHOST", "PGDATABASE", "PGUSER", "PGPASSWORD", "REDIS_URL",
    "FORMS_BUCKET", "UPLOADS_BUCKET", "AWS_REGION", "API_TOKEN",
)  # fmt: skip
_MIN_TOKEN_LENGTH = 16


def load(env: Mapping[str, str]) -> Settings:
    """Read Settings from ENV; raises SettingsError naming all that is missing or malformed, values never shown."""
    wrong = [f"{name} is not set" for name in _REQUIRED if not env.get(name)]
    if env.get("API_TOKEN") and len(env["API_TOKEN"]) < _MIN_TOKEN_LENGTH:
        wrong.append(f"API_TOKEN is shorter than {_MIN_TOKEN_LENGTH} characters")
    if env.get("REDIS_URL") and not re.match(r"rediss?://[^/\s]+", env["REDIS_URL"]):
        wrong.append("REDIS_URL does not look like redis://host:port/0 or rediss://host:port/0")
    if bool(env.get("REDIS_IAM_USER")) != bool(env.get("REDIS_IAM_CLUSTER")):
        wrong.append("REDIS_IAM_USER and REDIS_IAM_CLUSTER only go together")
    numbers = {
        "RATE_LIMIT_PER_MINUTE": (120, 1, 1_000_000),
        "TRUSTED_PROXY_HOPS": (3, 0, 10),
        "KEEP_ALIVE_S": (75, 1, 4000),
        "REQUEST_TIMEOUT_S": (50, 1, 3600),
        "GRACE_S": (25, 1, 120),
        "PORT": (8080, 1, 65535),
    }
    read = {name: _number(env, name, *bounds, wrong) for name, bounds in numbers.items()}
    if wrong:
        raise SettingsError("The backend cannot start: " + "; ".join(wrong) + ". Set them in the task definition.")
    return Settings(
        redis_url=Secret(env["REDIS_URL"]),
        forms_bucket=env["FORMS_BUCKET"],
        uploads_bucket=env["UPLOADS_BUCKET"],
        region=env["AWS_REGION"],
        api_token=Secret(env["API_TOKEN"]),
        build=read_build(env),
        endpoint_url=env.get("AWS_ENDPOINT_URL") or None,
        redis_iam_user=env.get("REDIS_IAM_USER") or None,
        redis_iam_cluster=env.get("REDIS_IAM_CLUSTER") or None,
        database_secret=env.get("DATABASE_SECRET_ARN") or None,
        rate_limit_per_minute=read["RATE_LIMIT_PER_MINUTE"],
        trusted_hops=read["TRUSTED_PROXY_HOPS"],
        keep_alive_s=read["KEEP_ALIVE_S"],
        request_timeout_s=read["REQUEST_TIMEOUT_S"],
        grace_s=read["GRACE_S"],
        port=read["PORT"],
    )


def read_build(env: Mapping[str, str]) -> Build:
    """Read what runs here from ENV; what the deployment did not say is `unknown`, never a guess."""
    return Build(
        environment=env.get("ENVIRONMENT") or "unknown",
        release=env.get("RELEASE") or "unknown",
        commit=env.get("COMMIT") or "unknown",
        color=env.get("COLOR") or "unknown",
        image_digest=env.get("IMAGE_DIGEST") or "unknown",
    )


def _number(env: Mapping[str, str], name: str, default: int, low: int, high: int, wrong: list[str]) -> int:
    text = env.get(name)
    if not text:
        return default
    if not text.isdigit() or not low <= int(text) <= high:
        wrong.append(f"{name} is not a whole number from {low} to {high}")
        return default
    return int(text)
