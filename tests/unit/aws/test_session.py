"""Which cloud a session reaches, and whose account."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from deployer.aws.session import Session
from deployer.errors import DeployError, InputError, Unreachable
from tests.unit.aws import values
from tests.unit.http_server import QuietServer

if TYPE_CHECKING:
    from collections.abc import Iterator

IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::{0}:user/ana</Arn><UserId>U</UserId><Account>{0}</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"""


class Answer(BaseHTTPRequestHandler):
    """An AWS that answers every request as STS and remembers who asked."""

    seen: list[str]

    def do_POST(self) -> None:
        """Answer with an identity."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.seen.append(self.headers.get("Authorization", ""))
        body = IDENTITY.format("000000000000").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Stay quiet."""


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """Serve Answer on loopback; yields its URL and the Authorization headers it saw."""
    seen: list[str] = []
    handler = type("Handler", (Answer,), {"seen": seen})
    with QuietServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}", seen
        http.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_aws_refuses_endpoint_overrides(name: str) -> None:
    """A production release must not end up in somebody's emulator, nor the reverse."""
    with pytest.raises(InputError) as caught:
        Session(values.environment(cloud="aws"), environ={name: "http://127.0.0.1:4566"})
    assert name in caught.value.seen
    assert "--cloud=local" in caught.value.hint


def test_aws_refuses_an_endpoint_url() -> None:
    """Also when it comes from our own code."""
    with pytest.raises(InputError):
        Session(values.environment(cloud="aws"), endpoint_url="http://127.0.0.1:4566", environ={})


def test_the_local_cloud_needs_its_endpoint() -> None:
    """Without one, boto3 would go to AWS."""
    with pytest.raises(DeployError):
        Session(values.environment(), environ={})


def test_overrides_do_not_matter_locally() -> None:
    """The local cloud's own endpoint is given anyway."""
    session = Session(values.environment(), endpoint_url="http://127.0.0.1:1", environ={"AWS_ENDPOINT_URL": "x"})
    assert session.endpoint_url == "http://127.0.0.1:1"


def test_the_users_credentials_and_profile_stay_unread_locally(
    server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real keys never reach the local cloud, and a broken profile does not stop a rehearsal."""
    url, seen = server
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREALREALREALREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    session = Session(values.environment(), endpoint_url=url)
    assert session._client("sts").get_caller_identity()["Account"] == "000000000000"
    assert all("Credential=test/" in header for header in seen)
    assert session.calls == {"sts.GetCallerIdentity": 1}


def test_proxies_are_ignored_on_loopback(server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A company proxy cannot reach this machine's loopback."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    session = Session(values.environment(), endpoint_url=server[0])
    assert session._client("sts").get_caller_identity()["Account"] == "000000000000"


def test_a_client_is_made_once_whoever_asks(server: tuple[str, list[str]]) -> None:
    """Stages run in threads; boto3 sessions are not safe to share, clients are."""
    session = Session(values.environment(), endpoint_url=server[0])
    start = threading.Barrier(8)

    def ask(_: int) -> object:
        start.wait()
        return session.ecs

    with ThreadPoolExecutor(8) as pool:
        assert 1 == len({id(client) for client in pool.map(ask, range(8))})


def test_a_cloud_that_does_not_answer_is_unreachable() -> None:
    """Exit code 30 and what to do, within seconds."""
    from deployer.aws.faults import mapped

    session = Session(values.environment(), endpoint_url="http://127.0.0.1:1")
    with pytest.raises(Unreachable) as caught, mapped("asking who we are"):
        session._client("sts").get_caller_identity()
    assert "inv cloud.up" in caught.value.hint


def test_what_visitors_wait_for_is_asked_once_and_briefly() -> None:
    """The lease and the ledger may take longer: nobody waits for them."""
    session = Session(values.environment(), endpoint_url="http://127.0.0.1:1")
    seen = [client.meta.config for client in (session.s3_once, session.s3_brief, session.s3)]

    assert [(1, 1, 1), (5, 5, 3), (5, 60, 3)] == [
        (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) for config in seen
    ]


class Sts:
    """An STS that counts how often it was asked who the caller is."""

    asked = 0

    def get_caller_identity(self) -> dict[str, str]:
        """Return the caller's account."""
        self.asked += 1
        return {"Account": "111111111111"}


def test_aws_is_refused_in_another_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is signed in elsewhere changes nothing there; both accounts are named."""
    monkeypatch.setattr(Session, "_make", lambda *_: Sts())
    session = Session(values.environment(cloud="aws", account_id="222222222222"), environ={})
    with pytest.raises(InputError) as caught:
        _ = session.ecs
    assert "111111111111" in caught.value.seen
    assert "222222222222" in caught.value.seen


def test_the_account_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for each client again."""
    sts = Sts()
    monkeypatch.setattr(Session, "_make", lambda *_: sts)
    session = Session(values.environment(cloud="aws", account_id="111111111111"), environ={})
    _ = (session.ecs, session.elbv2, session.s3)
    assert sts.asked == 1
