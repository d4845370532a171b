"""The Gates port against a real nox with little sessions."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from deployer.errors import GateFailed
from deployer.tools.nox_gates import NoxGates, clean_environment

NOXFILE = """
import nox

nox.options.default_venv_backend = "none"


@nox.session
def good(session):
    session.run("sh", "-c", "echo all is well", external=True)


@nox.session
def bad(session):
    session.run("sh", "-c", "echo 'E  assert 1 == 2'; echo FAILED tests/x.py::test_y; exit 3", external=True)


@nox.session
def unavailable(session):
    session.skip("no database in reach")


@nox.session
def environment(session):
    session.run("sh", "-c", "env", external=True)


@nox.session
def words(session):
    session.run("echo", "got", *session.posargs, external=True)


@nox.session
def slow(session):
    session.run("sleep", "600", external=True)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository that is only a noxfile."""
    (tmp_path / "noxfile.py").write_text(NOXFILE, encoding="utf-8")
    return tmp_path


def gates(root: Path, **environ: str) -> NoxGates:
    """Build the adapter over an environment of its own."""
    return NoxGates(root, environ={"PATH": os.environ["PATH"], "HOME": str(root), **environ})


def test_success_is_summed_up(root: Path) -> None:
    """Session, status, duration; and a line of progress when it ends."""
    said: list[str] = []
    summary = gates(root).run(["good"], root / "x.log", said.append)

    assert summary.startswith("good passed ")
    assert summary.endswith(" s")
    assert [summary] == said
    assert "all is well" in (root / "x.log").read_text(encoding="utf-8")


def test_failure_shows_the_failed_session_only(root: Path) -> None:
    """The last meaningful lines of what failed, and the log for the rest."""
    with pytest.raises(GateFailed) as caught:
        gates(root).run(["good", "bad"], root / "x.log", lambda _: None)

    assert "bad failed (2 sessions run)" == caught.value.seen
    assert "run bad" == caught.value.attempted
    assert "E  assert 1 == 2" in caught.value.details
    assert "all is well" not in caught.value.details
    assert root / "x.log" == caught.value.log
    assert "--only=bad" in caught.value.hint


def test_skipped_is_not_passed(root: Path) -> None:
    """What could not run is told as not run."""
    assert "unavailable NOT RUN" in gates(root).run(["unavailable"], root / "x.log", lambda _: None)


def test_unknown_session(root: Path) -> None:
    """Nox's own words are shown when it never came to a session."""
    with pytest.raises(GateFailed, match="before its report") as caught:
        gates(root).run(["nope"], root / "x.log", lambda _: None)

    assert any("nope" in line for line in caught.value.details)


def test_sessions_inherit_no_credentials(root: Path) -> None:
    """A check needs no key to anything."""
    secrets = {"AWS_PROFILE": "production-x", "GITHUB_TOKEN": "ghp-x", "DB_PASSWORD": "hunter-x", "NOXSESSION": "bad"}
    gates(root, **secrets, DOCKER_HOST="unix:///kept-x").run(["environment"], root / "x.log", lambda _: None)

    text = (root / "x.log").read_text(encoding="utf-8")
    assert "kept-x" in text
    assert not [value for value in secrets.values() if f"={value}\n" in text]


def test_extra_variables_are_handed_on(root: Path) -> None:
    """What a caller adds on purpose is not cleaned away."""
    adapter = NoxGates(root, environ={"PATH": os.environ["PATH"]}, extra={"AWS_REGION": "region-x"})
    adapter.run(["environment"], root / "x.log", lambda _: None)

    assert "AWS_REGION=region-x" in (root / "x.log").read_text(encoding="utf-8")


def test_each_call_may_add_variables(root: Path) -> None:
    """On top of the others."""
    gates(root).run(["environment"], root / "x.log", lambda _: None, extra={"GATES_PASSED": "lint.style"})

    assert "GATES_PASSED=lint.style" in (root / "x.log").read_text(encoding="utf-8")


def test_who_passed_is_told_one_by_one(root: Path) -> None:
    """Also when another failed; a skipped one did not pass."""
    passed: list[str] = []
    with pytest.raises(GateFailed):
        gates(root).run(["good", "unavailable", "bad"], root / "x.log", lambda _: None, passed=passed.append)

    assert ["good"] == passed


def test_arguments_reach_the_session(root: Path) -> None:
    """Further words go to the session."""
    gates(root).run(["words"], root / "x.log", lambda _: None, arguments=["--junitxml=y", "-x"])

    assert "got --junitxml=y -x" in (root / "x.log").read_text(encoding="utf-8")


def test_hanging_session_is_ended(root: Path) -> None:
    """A session that does not end fails in its time."""
    with pytest.raises(GateFailed, match="not done after"):
        gates(root).run(["slow"], root / "x.log", lambda _: None, timeout_s=2)


@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "UV_CACHE_DIR", "HTTPS_PROXY", "SSL_CERT_FILE", "DOCKER_HOST"])
def test_what_tools_need_is_kept(name: str) -> None:
    """Installing and reaching the engine must go on working."""
    assert {name: "x"}.items() <= clean_environment({name: "x"}).items()


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_INDEX_FILE", "GATES_PASSED", "COMMITS_PASSED", "PYTHONPATH"])
def test_what_would_mislead_a_session_is_not(name: str) -> None:
    """Another repository, other modules, or checks that nobody has passed."""
    assert name not in clean_environment({name: "x"})


def test_programs_installed_beside_us_are_found() -> None:
    """The program uv stands beside the interpreter that runs us, whether or not its folder is in PATH."""
    folders = clean_environment({"PATH": "/somewhere"})["PATH"].split(os.pathsep)

    assert [str(Path(sys.executable).parent), "/somewhere"] == folders


def test_what_is_on_this_machine_goes_past_a_proxy() -> None:
    """The smoke test's boto3 would ask the proxy for the local cloud."""
    env = clean_environment({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "example.com"})

    assert "http://proxy:3128" == env["HTTPS_PROXY"]
    assert "example.com,127.0.0.1,localhost,.localhost,::1" == env["NO_PROXY"] == env["no_proxy"]


def test_without_a_proxy_nothing_is_said_of_it() -> None:
    """What no program needs does not make a check's inputs differ."""
    assert {"NO_PROXY", "no_proxy"}.isdisjoint(clean_environment({"PATH": "/bin"}))
