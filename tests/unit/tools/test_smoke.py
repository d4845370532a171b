"""The Probe port: HTTP through a real little server, and the judgement of pytest's report."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from deployer.errors import GateFailed, ReleaseFailed
from deployer.model import Environment, Limits, Scaling
from deployer.tools import smoke
from deployer.tools.smoke import Smoke
from tests.unit.http_server import QuietServer

VERSION = {"release": "dev-x", "commit": "abc", "color": "blue"}


class Balancer:
    """A load balancer that answers from a list; the last answer stays."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = [(200, json.dumps(VERSION))]
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers["Host"]))
                status, body = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port


@pytest.fixture
def balancer() -> Iterator[Balancer]:
    """Serve on a free port."""
    balancer = Balancer()
    thread = threading.Thread(target=balancer.server.serve_forever)
    thread.start()
    yield balancer
    balancer.server.shutdown()
    thread.join()
    balancer.server.server_close()


class Session:
    """Stands in for nox: writes a report, then passes or fails."""

    def __init__(self, report: str, error: GateFailed | None = None) -> None:
        self.report = report
        self.error = error
        self.variables: Mapping[str, str] = {}

    def __call__(self, variables: Mapping[str, str]) -> Session:
        """Take the variables, as the constructor of the real one would."""
        self.variables = variables
        return self

    def run(
        self, sessions: list[str], log: Path, say: Callable[[str], None], *, arguments: list[str], timeout_s: float
    ) -> str:
        """Write the report where the arguments say."""
        assert ["containers"] == sessions
        assert timeout_s > 0
        say(f"logging to {log}")
        if self.report:
            Path(arguments[0].removeprefix("--junitxml=")).write_text(self.report, encoding="utf-8")
        if self.error:
            raise self.error
        return ""


def junit(*cases: str) -> str:
    """Return a JUnit report of these test cases."""
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"


PASSED = '<testcase name="test_a"/>'
FAILED = '<testcase name="test_root[backend]"><failure message="assert 1 == 2&#10;more">x</failure></testcase>'
ERROR = '<testcase name="test_b"><error message="no task runs it">x</error></testcase>'
SKIPPED = '<testcase name="test_c"><skipped message="no engine here"/></testcase>'


def environment(cloud: str = "local") -> Environment:
    """Build the development environment."""
    assert cloud in {"local", "aws"}
    return Environment(
        name="development",
        short_name="dev",
        domain="dev.example.com",
        region="ap-south-1",
        replica_region="ap-southeast-1",
        account_id="000000000000",
        cloud="aws" if cloud == "aws" else "local",
        branch="develop",
        strategy="rolling",
        steps=(),
        steady_timeout_s=60,
        limits=Limits(5, 1500, 60),
        scaling=Scaling(1, 2),
        services={},
        tfvars=Path("x"),
        bake_factor=1,
        config_hash="",
        tags={},
    )


URL = "http://x.alb.localhost:8080"


def probe(
    tmp_path: Path, session: Session | None = None, cloud: str = "local", url: str = URL, **environ: str
) -> Smoke:
    """Build the adapter for a site at `url`."""
    endpoint = "http://127.0.0.1:4566" if cloud == "local" else None
    return Smoke(
        tmp_path,
        environment(cloud),
        lambda: url,
        lambda: url.replace(":8080", ":8081"),
        endpoint,
        environ=environ,
        session=session,
        wait=lambda _: None,
    )


def test_version_through_the_load_balancer(balancer: Balancer, tmp_path: Path) -> None:
    """The answer comes back as it is, asked under the load balancer's name."""
    url = f"http://dev-public.alb.localhost:{balancer.port}"

    assert VERSION == probe(tmp_path, url=url).version()
    assert [("/api/version", f"dev-public.alb.localhost:{balancer.port}")] == balancer.asked


def test_version_is_asked_again_while_the_balancer_has_no_target(balancer: Balancer, tmp_path: Path) -> None:
    """A 503 in the first moment is no verdict."""
    balancer.answers = [(503, "no target"), (200, "not json"), (200, json.dumps(VERSION))]

    assert VERSION == probe(tmp_path, url=f"http://x.localhost:{balancer.port}").version()


def test_version_fails_with_status_and_body(
    balancer: Balancer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered is in the message."""
    monkeypatch.setattr(smoke, "_PATIENCE_S", 0.1)
    balancer.answers = [(500, "database away")]
    with pytest.raises(ReleaseFailed, match="500: 'database away'"):
        probe(tmp_path, url=f"http://x.localhost:{balancer.port}").version()


def test_version_fails_when_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is told as such."""
    monkeypatch.setattr(smoke, "_PATIENCE_S", 0.1)
    with pytest.raises(ReleaseFailed, match="ConnectError"):
        probe(tmp_path, url="http://x.localhost:1").version()


def test_smoke_sums_up(tmp_path: Path) -> None:
    """How many passed; and the report is where CI finds it."""
    summary = probe(tmp_path, Session(junit(PASSED, PASSED))).smoke("dev-x", lambda _: None, tmp_path / "x.log")

    assert summary.startswith("2 checks passed in ")
    assert "NOT RUN" not in summary
    assert (tmp_path / "reports" / "smoke-dev.xml").is_file()


def test_what_was_not_run_is_told(tmp_path: Path) -> None:
    """A check that could not look has not passed."""
    summary = probe(tmp_path, Session(junit(PASSED, SKIPPED))).smoke("dev-x", lambda _: None, tmp_path / "x.log")

    assert summary.startswith("1 check passed")
    assert summary.endswith("1 NOT RUN (no engine here)")


def test_failed_checks_are_named_with_their_reason(tmp_path: Path) -> None:
    """Which checks, and in a line what they saw."""
    session = Session(junit(PASSED, FAILED, ERROR), GateFailed("run containers", "failed", log=tmp_path / "x.log"))
    with pytest.raises(GateFailed) as caught:
        probe(tmp_path, session).smoke("dev-x", lambda _: None, tmp_path / "x.log")

    assert ("test_root[backend]: assert 1 == 2", "test_b: no task runs it") == caught.value.details
    assert "2 of 3 checks failed" in caught.value.seen
    assert tmp_path / "x.log" == caught.value.log


def test_checks_that_fail_for_one_reason_are_told_once(tmp_path: Path) -> None:
    """One missing task fails many checks."""
    error = '<error message="failed on setup with &quot;Failed: no task&quot;"/>'
    cases = [f'<testcase name="test_{letter}">{error}</testcase>' for letter in "abc"]
    session = Session(junit(*cases), GateFailed("run containers", "failed"))
    with pytest.raises(GateFailed) as caught:
        probe(tmp_path, session).smoke("dev-x", lambda _: None, tmp_path / "x.log")

    assert ("test_a and 2 more: no task",) == caught.value.details


def test_session_that_breaks_before_its_checks_keeps_its_own_message(tmp_path: Path) -> None:
    """Without a report nox's last lines are all there is."""
    with pytest.raises(GateFailed, match="no such session"):
        probe(tmp_path, Session("", GateFailed("run", "no such session"))).smoke("x", lambda _: None, tmp_path / "l")


@pytest.mark.parametrize("report", ["", junit(), junit(SKIPPED), junit(FAILED), "<broken"])
def test_success_needs_a_check_that_passed(tmp_path: Path, report: str) -> None:
    """A session that ends well but proves nothing is no proof."""
    with pytest.raises(GateFailed):
        probe(tmp_path, Session(report)).smoke("dev-x", lambda _: None, tmp_path / "x.log")


def test_stale_report_does_not_count(tmp_path: Path) -> None:
    """Yesterday's report is not today's proof."""
    probe(tmp_path, Session(junit(PASSED))).smoke("dev-x", lambda _: None, tmp_path / "x.log")
    with pytest.raises(GateFailed):
        probe(tmp_path, Session("")).smoke("dev-x", lambda _: None, tmp_path / "x.log")


def test_variables_for_the_local_cloud(tmp_path: Path) -> None:
    """The checks learn where to look, and none of the user's credentials."""
    session = Session(junit(PASSED))
    probe(tmp_path, session, AWS_PROFILE="mine").smoke("dev-x", lambda _: None, tmp_path / "x.log")

    expected = {
        "SMOKE_URL": "http://x.alb.localhost:8080",
        "SMOKE_RELEASE": "dev-x",
        "SMOKE_ENVIRONMENT": "dev",
        "SMOKE_CLOUD": "local",
        "SMOKE_CLUSTER": "indivillage-dev",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_ACCESS_KEY_ID": "test",
    }
    assert expected.items() <= session.variables.items()
    assert "AWS_PROFILE" not in session.variables


def test_variables_for_aws(tmp_path: Path) -> None:
    """On AWS the checks ask with the credentials of this run, and of no endpoint but AWS's own."""
    session = Session(junit(PASSED))
    probe(tmp_path, session, cloud="aws", AWS_PROFILE="mine", AWS_REGION="elsewhere").smoke(
        "dev-x", lambda _: None, tmp_path / "x.log"
    )

    assert {"AWS_PROFILE": "mine", "AWS_REGION": "ap-south-1"}.items() <= session.variables.items()
    assert "AWS_ENDPOINT_URL" not in session.variables
