"""The checks of the project, each in an environment of its own: `inv test` runs them all, `inv test --only=unit` one.

    nox --list                      what there is
    nox -s unit -- -k pipeline      further words go to pytest, or to mypy

An environment holds exactly the hash-locked requirements/<session>.txt and is left alone until that file changes.
Results of pytest and mypy go to reports/<session>.xml (JUnit); the other programs only print theirs. This file knows
the project's files and commands, not its code: it imports nothing of it, so that a broken module fails a check and not
the checker. That keeps all sessions in one file, a little longer than others.

Run like this, a session does all it can. `inv deploy` leaves out what has passed on the same inputs already: it starts
only the sessions that are due, and names in GATES_PASSED those of their parts that are not, in COMMITS_PASSED the
commits that need no second look. What is an input of which part stands in pyproject.toml, [tool.gates].
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import nox
from nox.command import CommandFailed

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
    "tests/bench/plain.sh",
]

CONTAINERS_TIDY_S = 100.0
"""What a session with containers needs at most to remove them when it is interrupted."""

GATES = nox.project.load_toml(ROOT / "pyproject.toml")["tool"]["gates"]

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
# `containers` needs a deployed environment: the smoke test runs it, and e2e runs the smoke test. `bench` is no test,
# `faults` and `chaos` take long.
nox.options.sessions = [
    *("lint", "types", "unit", "application", "scan", "gates"),
    *("infrastructure", "checkov", "images", "contract", "e2e"),
]


def install(session: nox.Session, name: str = "") -> None:
    """Make the environment hold exactly requirements/<session or name>.txt; costs nothing when it does already."""
    lock = ROOT / "requirements" / f"{name or session.name}.txt"
    place = Path(session.virtualenv.location).resolve()
    stamp = place / ".locked"
    # Compiled once here, since tests write no bytecode. mypy reads packages and imports none.
    compiled = [] if session.name == "types" else ["--compile-bytecode"]
    wanted = f"{place} {' '.join(compiled)}\n{lock.read_text(encoding='utf-8')}"
    # Beside the environment: the file .lock inside it is uv's own, and uv would wait for us for five minutes.
    with place.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return
        stamp.unlink(missing_ok=True)
        command = ["uv", "pip", "sync", "--quiet", "--require-hashes", *compiled]
        session.run_install(*command, "--python", str(place / "bin" / "python"), str(lock), external=True)
        stamp.write_text(wanted, encoding="utf-8")


def parts(session: nox.Session, **checks: Callable[[], object]) -> None:
    """Run the parts of a session, but for those that are known to have passed on the same inputs."""
    declared = [name for name in GATES["without"] if name.startswith(f"{session.name}.")]
    named = {f"{session.name}.{part}": check for part, check in checks.items()}
    if sorted(declared) != sorted(named):
        session.error(f"pyproject.toml, [tool.gates.without], names {declared}, and this session has {list(named)}")
    passed = os.environ.get("GATES_PASSED", "").split()
    for name, check in named.items():
        if name in passed:
            session.log(f"{name} has passed on the same inputs")
        else:
            check()


def pytest(
    session: nox.Session, *arguments: str, env: dict[str, str] | None = None, report: str = "", tidy_s: float = 0.3
) -> None:
    """Run pytest; what was given after `--` goes last, so it can override. Ctrl-C leaves it `tidy_s` to tidy up."""
    junit = REPORTS / f"{report or session.name}.xml"
    junit.unlink(missing_ok=True)
    command = ["python", "-m", "pytest", f"--junitxml={junit}", *arguments, *session.posargs]
    # Words like `-k` may choose nothing of a session's second run.
    codes = [0, 5] if report and session.posargs else [0]
    variables = {"PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
    session.run(*command, env=variables, success_codes=codes, interrupt_timeout=tidy_s)


def images(session: nox.Session) -> dict[str, str]:
    """Build what is missing of the project's images; return BASE_IMAGE, BACKEND_IMAGE, … with their references."""
    answer = subprocess.run(
        [ROOT / "scripts/inv", "images", "--json"], cwd=ROOT, stdout=subprocess.PIPE, check=False, text=True
    )
    if answer.returncode:
        session.error(f"the images could not be built: inv images ended with exit code {answer.returncode}")
    references = {f"{name.upper()}_IMAGE": str(reference) for name, reference in json.loads(answer.stdout).items()}
    return {**references, "CLOUD_IMAGE": references["LOCALCLOUD_IMAGE"]}


@nox.session
def lint(session: nox.Session) -> None:
    """Style of Python and shell, who may import whom, and the checkout's own rules."""
    install(session)

    def style() -> None:
        session.run("ruff", "check", ".")
        session.run("ruff", "format", "--check", ".")
        session.run("shellcheck", *SHELL_SCRIPTS)

    def imports() -> None:
        session.run("lint-imports", "--config", "pyproject.toml", env={"PYTHONPATH": str(ROOT)})

    def layout() -> None:
        # By itself: the tests' conftest.py needs packages that this environment has not.
        pytest(session, "tests/layout", "--confcutdir=tests/layout", "--timeout=60")

    parts(session, style=style, imports=imports, layout=layout)


@nox.session
def types(session: nox.Session) -> None:
    """Run mypy, strict, over deployer, localcloud, tasks.py and noxfile.py; by itself over the backend's package `app`.

    Tests, scripts, migrations and the frontend's builder are not checked.
    """
    install(session)
    REPORTS.mkdir(exist_ok=True)
    # Beside the environments, not in the tree: a worktree of another commit then has it too. mypy asks for content.
    cache = f"--cache-dir={Path(session.cache_dir).resolve() / 'mypy'}"

    def deployer() -> None:
        ours = session.posargs or ["deployer", "localcloud", "tasks.py", "noxfile.py"]
        session.run("mypy", cache, f"--junit-xml={REPORTS / 'types.xml'}", *ours)

    def backend() -> None:
        report = f"--junit-xml={REPORTS / 'types-backend.xml'}"
        session.run("mypy", cache, report, "--package=app", env={"MYPYPATH": "docker/backend"})

    parts(session, deployer=deployer, backend=backend)


@nox.session
def unit(session: nox.Session) -> None:
    """The deployer and the local cloud against fakes, no Docker, no network; and what of it works on docker/."""
    install(session)

    def deployer() -> None:
        pytest(session, "tests/unit", "--timeout=60", "--numprocesses=auto")

    def sources() -> None:
        pytest(session, "tests/sources", "--timeout=60", report="unit-sources")

    parts(session, deployer=deployer, sources=sources)


@nox.session
def application(session: nox.Session) -> None:
    """The site's own code, with the packages of its image."""
    install(session)
    # Its own conftest.py only: that of all tests loads the deployer.
    pytest(session, "tests/application", "--confcutdir=tests/application", "--timeout=60")


@nox.session
def scan(session: nox.Session) -> None:
    """Dockerfiles, insecure Python, secrets. What a scanner finds fails the session."""
    install(session)

    def bandit(*folders: str) -> None:
        # What it calls low is every subprocess and every assert; ruff's S rules judge those one by one.
        session.run("bandit", "--quiet", "--recursive", "--severity-level", "medium", *folders)

    def images() -> None:
        session.run("hadolint", *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docker/*/Dockerfile")))
        bandit("docker")

    parts(
        session,
        images=images,
        deployer=lambda: bandit("deployer", "localcloud"),
        secrets=lambda: secrets(session),
    )


def secrets(session: nox.Session) -> None:
    """Look for secrets in every commit, and in what an image would take although it is not committed yet."""
    passed = [f"^{commit}" for commit in os.environ.get("COMMITS_PASSED", "").split()]
    with tempfile.TemporaryDirectory(prefix="uncommitted-") as folder:
        commits, env = uncommitted(session, Path(folder))
        # Its own options for git, which it drops when it is given any, and what to look at.
        history = ["--full-history", "--diff-filter=tuxdb", "--single-worktree", "--all", *commits, *passed]
        session.run(
            *("gitleaks", "git", "--no-banner", "--no-color", "--redact", "--verbose", "--config", ".gitleaks.toml"),
            *("--log-opts", " ".join(history), "."),
            env=env,
        )


def uncommitted(session: nox.Session, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Commit the tree as it is, but into `folder`: return that commit, if it is not HEAD's, and what shows it to git.

    The repository itself gets nothing. (gitleaks' own way to scan files skips every path that an allowlist names.)
    """
    env: dict[str, str] = {}

    def git(*arguments: str) -> str:
        return str(session.run("git", *arguments, env=env, external=True, silent=True)).strip()

    objects, index = (ROOT / git("rev-parse", "--git-path", name) for name in ("objects", "index"))
    shutil.copy(index, folder / "index")
    (folder / "objects").mkdir()
    env |= {"GIT_OBJECT_DIRECTORY": str(folder / "objects"), "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects)}
    env |= {"GIT_INDEX_FILE": str(folder / "index")}
    env |= {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    git("add", "--all")
    tree = git("write-tree")
    return ([] if tree == git("rev-parse", "HEAD^{tree}") else [git("commit-tree", tree, "-p", "HEAD", "-m", ".")]), env


@nox.session
def gates(session: nox.Session) -> None:
    """The sessions that inv deploy runs, on copies of the tree: what they are said not to read they do not."""
    install(session)
    pytest(session, "tests/gates", "--confcutdir=tests/gates", "--timeout=300", "--numprocesses=auto")


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
    pytest(session, "tests/infrastructure", "--timeout=600", "--numprocesses=auto")


@nox.session
def checkov(session: nox.Session) -> None:
    """What checkov says of the Terraform files, by each environment's tfvars; no suppression without its reason."""
    install(session)
    # Its own environment has none of the project's packages, so none of the tests' conftest.py.
    pytest(session, "tests/checkov", "--confcutdir=tests/checkov", "--timeout=300", "--numprocesses=auto")


@nox.session(name="images")
def images_(session: nox.Session) -> None:
    """The images as containers: users, read-only roots, signals, pages in a real browser."""
    install(session)
    session.run("scripts/install-chromium", external=True)
    pytest(session, "tests/images", "--timeout=300", env=images(session), tidy_s=CONTAINERS_TIDY_S)


@nox.session
def contract(session: nox.Session) -> None:
    """The same cases over the fakes and over the real adapters: moto, and the local cloud in real containers."""
    install(session)
    # They mostly wait, for containers and deadlines. Each worker has clouds of its own, for all tests of a file.
    two = ("--numprocesses=2", "--dist=loadfile")
    pytest(session, "tests/contract", "--timeout=600", *two, env=images(session), tidy_s=CONTAINERS_TIDY_S)


@nox.session
def e2e(session: nox.Session) -> None:
    """Deploy, change, deploy, break, roll back: the commands themselves on a local cloud."""
    install(session)
    pytest(session, "tests/e2e", "--timeout=1500", tidy_s=CONTAINERS_TIDY_S)


@nox.session
def faults(session: nox.Session) -> None:
    """Every bad day and every moment of an interruption that e2e takes a sample of; whole environments to their end."""
    install(session, "e2e")
    modules = [f"tests/e2e/test_{name}.py" for name in ("bad_days", "interrupts", "other_checkouts", "environments")]
    pytest(session, *modules, "--timeout=1500", env={"E2E_FAULTS": "all"}, tidy_s=CONTAINERS_TIDY_S)


@nox.session
def chaos(session: nox.Session) -> None:
    """Releases under constant load and worse: `nox -s chaos -- --seed=7 -k shift`; goes on where it was cut off."""
    install(session, "contract")
    env = {**images(session), "CUT_OFF": "all"}
    alone = ("tests/chaos", "--capture=tee-sys")
    # Nobody measures time here, and a recovery has a minute.
    two = ("tests/contract/aws/test_cut_off.py", "--numprocesses=2", "--dist=loadgroup")
    failed = []
    for report, arguments in (("chaos", alone), ("chaos-cut-off", two)):
        try:
            pytest(session, *arguments, "--timeout=3600", env=env, report=report, tidy_s=CONTAINERS_TIDY_S)
        except CommandFailed:
            failed.append(report)
    if failed:
        session.error(f"failed: {', '.join(failed)}")


@nox.session
def bench(session: nox.Session) -> None:
    """How fast: `nox -s bench -- --only=list,nothing`, `--profile`; minutes long, on a local cloud of its own."""
    install(session)
    session.run("python", "-m", "tests.bench", *session.posargs)
