"""Clients for one environment: the right endpoint, the right account, and a count of what was asked.

The clients are botocore's own: boto3 would only add things that are unused here, and its import is paid every time.
botocore comes in at the first client: `inv --list` needs none of it. Longer than other files: each client has its own
typed property, so that what is asked of AWS stands on one page.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deployer.aws.faults import mapped
from deployer.errors import DeployError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from botocore.session import Session as BotoSession
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

    from deployer.model import Environment

    class ApplicationAutoScalingClient(Protocol):
        """What is asked of Application Auto Scaling: one call, for which a package of stubs would be much."""

        def register_scalable_target(self, **request: object) -> Mapping[str, object]:
            """Set the limits of a scalable target."""
            ...


MODELS = Path(".cache/models")
LOCAL_ACCESS_KEY = "test"
LOCAL_SECRET_KEY = "test"  # noqa: S105 - the local cloud accepts any; the user's own keys never go there
LOOPBACK = ("127.0.0.1", "localhost", "::1")
OVERRIDE = "AWS_ENDPOINT_URL"
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60
"""Longer than a task's stop timeout: the local cloud answers UpdateService only once surplus tasks have stopped."""

BRIEF_TIMEOUT_S = 5
ONCE_TIMEOUT_S = 1
"""To connect, and to answer: what visitors wait for has two seconds for its history, and not one more attempt."""


class Session:
    """botocore clients for an Environment; thread-safe, each client made once.

    `endpoint_url` is the local cloud's (`http://127.0.0.1:4566`) when `environment.cloud` is local. On AWS it must be
    None, no endpoint override may be set, and the caller's account must be the environment's; else InputError.
    In `root`/.cache, if a checkout is given, is kept what makes the next command's clients quicker to make.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        endpoint_url: str | None = None,
        environ: Mapping[str, str] | None = None,
        root: Path | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        attempted = f"connecting to {environment.cloud} for {environment.name}"
        if environment.cloud == "local" and endpoint_url is None:
            raise DeployError(attempted, "the local cloud's endpoint URL was not given")
        if environment.cloud == "aws":
            overrides = sorted(name for name in environ if name == OVERRIDE or name.startswith(OVERRIDE + "_"))
            if endpoint_url is not None or overrides:
                raise InputError(
                    attempted,
                    f"an endpoint override is set: {', '.join(overrides) or endpoint_url}",
                    f"unset it, or rehearse on the local cloud with --cloud=local; {environment.name} is on AWS",
                )
        self.environment = environment
        self.endpoint_url = endpoint_url
        self._lock = threading.RLock()
        self._boto: BotoSession | None = None
        self._models = root / MODELS if root else None
        self._clients: dict[str, Any] = {}
        self._calls: Counter[str] = Counter()

    @property
    def calls(self) -> Mapping[str, int]:
        """Requests sent so far, retries included, by `service.Operation`."""
        with self._lock:
            return dict(self._calls)

    @property
    def secure(self) -> bool:
        """Whether requests go over TLS; the local cloud speaks plain HTTP on loopback."""
        return self.endpoint_url is None or urlsplit(self.endpoint_url).scheme == "https"

    @property
    def application_autoscaling(self) -> ApplicationAutoScalingClient:
        """The limits between which autoscaling moves a service; the local cloud has none."""
        client: ApplicationAutoScalingClient = self._client("application-autoscaling")
        return client

    @property
    def cloudwatch(self) -> CloudWatchClient:
        """Metrics and alarms."""
        client: CloudWatchClient = self._client("cloudwatch")
        return client

    @property
    def ec2(self) -> EC2Client:
        """VPC, subnets, security groups."""
        client: EC2Client = self._client("ec2")
        return client

    @property
    def ecr(self) -> ECRClient:
        """The image registry's control plane."""
        client: ECRClient = self._client("ecr")
        return client

    @property
    def ecs(self) -> ECSClient:
        """Services, tasks, task definitions."""
        client: ECSClient = self._client("ecs")
        return client

    @property
    def kms(self) -> KMSClient:
        """Keys; only the state's is made here."""
        client: KMSClient = self._client("kms")
        return client

    @property
    def elbv2(self) -> ElasticLoadBalancingv2Client:
        """Listeners and target groups."""
        client: ElasticLoadBalancingv2Client = self._client("elbv2")
        return client

    @property
    def iam(self) -> IAMClient:
        """Roles."""
        client: IAMClient = self._client("iam")
        return client

    @property
    def logs(self) -> CloudWatchLogsClient:
        """Log groups and the containers' output."""
        client: CloudWatchLogsClient = self._client("logs")
        return client

    @property
    def s3(self) -> S3Client:
        """The state bucket: ledger and lease."""
        client: S3Client = self._client("s3")
        return client

    @property
    def s3_brief(self) -> S3Client:
        """The state bucket, answering within seconds or not at all: a lease must not wait longer than it lives."""
        client: S3Client = self._client("s3", read_timeout_s=BRIEF_TIMEOUT_S)
        return client

    @property
    def s3_once(self) -> S3Client:
        """The state bucket, asked once and not waited for: for what is written while visitors wait."""
        client: S3Client = self._client("s3", read_timeout_s=ONCE_TIMEOUT_S)
        return client

    @property
    def secretsmanager(self) -> SecretsManagerClient:
        """Whether secrets exist; local development and `inv db.console` read those of the local cloud."""
        client: SecretsManagerClient = self._client("secretsmanager")
        return client

    @property
    def ssm(self) -> SSMClient:
        """The topology parameter."""
        client: SSMClient = self._client("ssm")
        return client

    def _client(self, service: str, read_timeout_s: int = READ_TIMEOUT_S) -> Any:
        with self._lock:
            key = f"{service} {read_timeout_s}"
            if key not in self._clients:
                attempted = f"connecting to {service} for {self.environment.name}"
                with mapped(attempted):
                    boto = self._boto or self._sign_in()
                    self._clients[key] = self._make(boto, service, read_timeout_s)
            return self._clients[key]

    def _make(self, boto: BotoSession, service: str, read_timeout_s: int) -> Any:
        from botocore.config import Config

        local, once = self.endpoint_url is not None, read_timeout_s == ONCE_TIMEOUT_S
        attempts = 3 if local else 5
        make: Any = boto.create_client  # its overloads want a literal name
        return make(
            service,
            region_name=self.environment.region,
            endpoint_url=self.endpoint_url,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 1 if once else attempts},
                connect_timeout=ONCE_TIMEOUT_S if once else CONNECT_TIMEOUT_S,
                read_timeout=read_timeout_s,
                max_pool_connections=20,
                proxies={} if local and urlsplit(self.endpoint_url or "").hostname in LOOPBACK else None,
                s3={"addressing_style": "path"} if local else None,
            ),
        )

    def _sign_in(self) -> BotoSession:
        """Make the botocore session; on AWS make sure that it is this environment's account."""
        import botocore.session

        from deployer.aws.models import Condensed, Models

        if self.endpoint_url is not None:
            # The user's profile, config and credentials files stay unread: a broken profile must not stop a
            # rehearsal, and real keys must not reach an emulator's log.
            empty = (None, None, os.devnull, None)
            unread = {"profile": (None, None, None, None), "config_file": empty, "credentials_file": empty}
            boto = botocore.session.Session(session_vars=unread)
            boto.set_credentials(LOCAL_ACCESS_KEY, LOCAL_SECRET_KEY)
        else:
            boto = botocore.session.get_session()
            # An endpoint_url in ~/.aws/config would override in silence what __init__ has checked.
            boto.set_config_variable("ignore_configured_endpoint_urls", True)
        boto.register_component("data_loader", Models(file_loader=Condensed(self._models) if self._models else None))
        self._watch(boto)
        if self.endpoint_url is None:
            self._check_account(self._make(boto, "sts", READ_TIMEOUT_S))
        self._boto = boto
        return boto

    def _watch(self, core: Any) -> None:
        def count(event_name: str, **_: object) -> None:
            operation = event_name.removeprefix("before-send.")
            with self._lock:
                self._calls[operation] += 1

        core.get_component("event_emitter").register("before-send", count)

    def _check_account(self, sts: STSClient) -> None:
        account = sts.get_caller_identity()["Account"]
        if account != self.environment.account_id:
            raise InputError(
                f"connecting to AWS for {self.environment.name}",
                f"you are signed in to account {account}, the environment lives in {self.environment.account_id}",
                "sign in to the environment's account (AWS_PROFILE), or correct account_id in its terraform.tfvars",
            )
