"""The checks of the project, each in an environment of its own: `inv test` runs them all, `inv test --only=unit` one.

    nox --list                      what there is
    nox -s unit -- -k pipeline      further words go to pytest, or to mypy

An environment holds exactly the hash-locked requirements/<session>.txt and is left alone until that file changes.
Results of pytest and mypy go to reports/<session>.xml (JUnit); lint and scan only print theirs. This file knows the
project's files and commands, not its code: it imports nothing of it, so that a broken module fails a check and not the
checker.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
REPORTS = ROOT / "reports"
SHELL_SCRIPTS = [
    ".ci/run",
    "docker/frontend/nginx/alive",
    "docker/frontend/nginx/entrypoint",
    "docker/postgres/docker-entrypoint.sh",
    "docker/redis/docker-entrypoint.sh",
    "scripts/apt-install",
    "scripts/engine",
    "scripts/install-chromium",
    "scripts/inv",
    "scripts/lock",
]

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
# `containers` needs a deployed environment: the smoke test runs it, and e2e runs the smoke test.
nox.options.sessions = ["lint", "types", "unit", "application", "scan", "infrastructure", "images", "contract", "e2e"]


def install(session: nox.Session) -> None:
    """Make the environment hold exactly requirements/<session>.txt; costs nothing when it does already."""
    lock = ROOT / "requirements" / f"{session.name}.txt"
    place = Path(session.virtualenv.location).resolve()
    stamp = place / ".locked"
    wanted = f"{place}\n{lock.read_text(encoding='utf-8')}"
    # Beside the environment: the file .lock inside it is uv's own, and uv would wait for us for five minutes.
    with place.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return
        stamp.unlink(missing_ok=True)
        python = str(place / "bin" / "python")
        session.run_install(
            "uv", "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(lock), external=True
        )
        stamp.write_text(wanted, encoding="utf-8")


def pytest(session: nox.Session, *arguments: str, env: dict[str, str] | None = None) -> None:
    """Run pytest; what was given after `--` goes last, so it can override."""
    report = REPORTS / f"{session.name}.xml"
    report.unlink(missing_ok=True)
    command = ["python", "-m", "pytest", f"--junitxml={report}", *arguments, *session.posargs]
    # On Ctrl-C nox would give pytest 0.3 s: too little to take down what its fixtures have started.
    session.run(*command, env={"PYTHONDONTWRITEBYTECODE": "1", **(env or {})}, interrupt_timeout=100)


def images(session: nox.Session) -> dict[str, str]:
    """Build what is missing of the project's images; return BASE_IMAGE, BACKEND_IMAGE, … with their references."""
    answer = subprocess.run(
        [sys.executable, "-m", "invoke", "images", "--json"], cwd=ROOT, stdout=subprocess.PIPE, check=False, text=True
    )
    if answer.returncode:
        session.error(f"the images could not be built: inv images ended with exit code {answer.returncode}")
    references = {f"{name.upper()}_IMAGE": str(reference) for name, reference in json.loads(answer.stdout).items()}
    return {**references, "CLOUD_IMAGE": references["LOCALCLOUD_IMAGE"]}


@nox.session
def lint(session: nox.Session) -> None:
    """Style of Python and shell, and who may import whom."""
    install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--config", "pyproject.toml", env={"PYTHONPATH": str(ROOT)})
    session.run("shellcheck", *SHELL_SCRIPTS)


@nox.session
def types(session: nox.Session) -> None:
    """Run mypy, strict, over deployer, localcloud, tasks.py and noxfile.py; by itself over the backend's package `app`.

    Tests, scripts, migrations and the frontend's builder are not checked.
    """
    install(session)
    REPORTS.mkdir(exist_ok=True)
    ours = session.posargs or ["deployer", "localcloud", "tasks.py", "noxfile.py"]
    session.run("mypy", f"--junit-xml={REPORTS / 'types.xml'}", *ours)
    report = f"--junit-xml={REPORTS / 'types-backend.xml'}"
    session.run("mypy", report, "--package=app", env={"MYPYPATH": "docker/backend"})


@nox.session
def unit(session: nox.Session) -> None:
    """The deployer and the local cloud against fakes: no Docker, no network."""
    install(session)
    pytest(session, "tests/unit", "--timeout=60", "--numprocesses=auto")


@nox.session
def application(session: nox.Session) -> None:
    """The site's own code, with the packages of its image."""
    install(session)
    pytest(session, "tests/application", "--timeout=60")


@nox.session
def scan(session: nox.Session) -> None:
    """Dockerfiles, insecure Python, committed secrets. What a scanner finds fails the session."""
    install(session)
    session.run("hadolint", *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docker/*/Dockerfile")))
    # Medium and high: what it calls low is every subprocess and every assert; ruff's S rules judge those one by one.
    session.run("bandit", "--quiet", "--recursive", "--severity-level", "medium", "deployer", "localcloud", "docker")
    session.run("gitleaks", "detect", "--no-banner", "--redact", "--source", ".")


@nox.session
def containers(session: nox.Session) -> None:
    """What `inv smoke-test` runs: Testinfra on the containers of a release, HTTP through the load balancer."""
    install(session)
    pytest(session, "tests/containers", "--timeout=120")


@nox.session
def infrastructure(session: nox.Session) -> None:
    """Terraform: formatting, validation and its own tests, against a mocked provider."""
    install(session)
    session.run("terraform", "fmt", "-check", "-recursive", "-diff", "infrastructure/terraform", external=True)
    pytest(session, "tests/infrastructure", "--timeout=600")


@nox.session(name="images")
def images_(session: nox.Session) -> None:
    """The images as containers: users, read-only roots, signals, pages in a real browser."""
    install(session)
    session.run("scripts/install-chromium", external=True)
    pytest(session, "tests/images", "--timeout=300", env=images(session))


@nox.session
def contract(session: nox.Session) -> None:
    """The same cases over the fakes and over the real adapters: moto, and the local cloud in real containers."""
    install(session)
    pytest(session, "tests/contract", "--timeout=600", env=images(session))


@nox.session
def e2e(session: nox.Session) -> None:
    """Deploy, change, deploy, break, roll back: the commands themselves on a local cloud."""
    install(session)
    pytest(session, "tests/e2e", "--timeout=1500")
