"""The commands: each parses, calls into `deployer`, turns errors into exit codes. `inv --list` is the contents page.

Longer than other files, so that all commands and their flags are on one page. The first line of a docstring is what
`inv --list` shows: it has to fit on one line of a screen of 80 columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

ENV = "dev, staging or prod"
JSON = "print one JSON object on stdout"
CLOUD = "rehearse elsewhere than terraform.tfvars says: local or aws"
DESTROY = "address of what may end although it holds data; once for each"
YES = "do not ask before an AWS environment is changed"


def run(command: Callable[[], int]) -> None:
    """Run one command; a DeployError becomes one message and its exit code, anything else is a bug with a traceback."""
    from deployer import console, disk, failure_log
    from deployer.errors import DeployError, Interrupted
    from deployer.stop import as_interrupts

    try:
        with as_interrupts():
            code = command()
    except KeyboardInterrupt:
        console.line("interrupted: no environment was being changed")
        raise Exit(code=130) from None
    except Exception as raised:
        error = disk.told(raised)
        if not isinstance(error, DeployError):
            console.bug()
            raise Exit(code=1) from None
        if not isinstance(error, Interrupted) and (error.log is None or error.log.is_dir()):
            error.log = failure_log.write(error, error.log) or error.log
        console.failure(error)
        raise Exit(code=error.exit_code) from None
    if code:
        raise Exit(code=code)


@task(
    help={
        "env": ENV,
        "ref": "commit, branch or tag to take; the working tree's HEAD if not given",
        "release": "a release of the ledger to deploy again, by digest",
        "cloud": CLOUD,
        "dry_run": "check, build and plan; say what would change; change nothing",
        "no_cache": "run every check, plan, and replace the tasks, even where nothing has changed",
        "fix_forward": "release although an alarm fires, because it is to mend what the alarm tells of",
        "reason": "what --fix-forward mends; the ledger keeps it",
        "allow_destroy": DESTROY,
        "json": JSON,
        "yes": YES,
    },
    iterable=["allow_destroy"],
)
def deploy(
    c: Context,
    env: str = "dev",
    ref: str = "",
    release: str = "",
    cloud: str = "",
    dry_run: bool = False,
    no_cache: bool = False,
    fix_forward: bool = False,
    reason: str = "",
    allow_destroy: Sequence[str] | None = None,
    json: bool = False,
    yes: bool = False,
) -> None:
    """Take a commit to ENV and prove it; put it back if it fails.

    Checks, builds, plans, applies, migrates, deploys, and tests what runs.
    """
    from deployer import app

    dry = dry_run or bool(c.config.run.dry)
    run(
        lambda: app.deploy(
            env,
            ref=ref,
            release=release,
            cloud=cloud or None,
            dry_run=dry,
            as_json=json,
            yes=yes,
            no_cache=no_cache,
            fix_forward=app.reason_of(fix_forward, reason),
            allow_destroy=allow_destroy or (),
        )
    )


@task(
    help={
        "env": ENV,
        "to": "release to restore; the last good one before the live one if not given",
        "fast": "all traffic at once, without the steps between",
        "cloud": CLOUD,
        "json": JSON,
        "yes": YES,
    }
)
def rollback(
    _: Context,
    env: str = "dev",
    to: str = "",
    fast: bool = False,
    cloud: str = "",
    json: bool = False,
    yes: bool = False,
) -> None:
    """Take ENV back to a good release as one unit, and prove it."""
    from deployer import app

    run(lambda: app.rollback(env, to=to, cloud=cloud or None, as_json=json, yes=yes, fast=fast))


@task(help={"env": ENV, "watch": "look again every two seconds", "cloud": CLOUD, "json": JSON})
def status(_: Context, env: str = "dev", watch: bool = False, cloud: str = "", json: bool = False) -> None:
    """Say what runs in ENV, asked of ECS and the load balancer."""
    from deployer import read

    run(lambda: read.status(env, cloud=cloud or None, watch=watch, as_json=json))


@task(help={"env": ENV, "cloud": CLOUD, "json": JSON})
def history(_: Context, env: str = "dev", cloud: str = "", json: bool = False) -> None:
    """List the releases of ENV, newest first."""
    from deployer import read

    run(lambda: read.history(env, cloud=cloud or None, as_json=json))


def _stage(name: str, help_text: str) -> Callable[..., None]:
    def body(_: Context, env: str = "dev", cloud: str = "", json: bool = False, yes: bool = False) -> None:
        from deployer import app

        run(lambda: app.stage(name, env, cloud=cloud or None, as_json=json, yes=yes))

    body.__doc__ = help_text
    return task(body, name=name, help={"env": ENV, "cloud": CLOUD, "json": JSON, "yes": YES})


def _planned(name: str, help_text: str) -> Callable[..., None]:
    def body(
        _: Context,
        env: str = "dev",
        cloud: str = "",
        allow_destroy: Sequence[str] | None = None,
        json: bool = False,
        yes: bool = False,
    ) -> None:
        from deployer import app

        named = allow_destroy or ()
        run(lambda: app.stage(name, env, cloud=cloud or None, as_json=json, yes=yes, allow_destroy=named))

    body.__doc__ = help_text
    explained = {"env": ENV, "cloud": CLOUD, "allow_destroy": DESTROY, "json": JSON, "yes": YES}
    return task(body, name=name, help=explained, iterable=["allow_destroy"])


@task(help={"env": "accepted for symmetry; these checks are the same for every environment"})
def lint(_: Context, env: str = "") -> None:  # noqa: ARG001
    """Check style, types, layering and shell scripts."""
    from deployer import local

    run(local.lint)


@task(help={"env": "accepted for symmetry; these checks are the same for every environment"})
def scan(_: Context, env: str = "") -> None:  # noqa: ARG001
    """Look for insecure Dockerfiles and Python, and for secrets."""
    from deployer import local

    run(local.scan)


@task(
    help={
        "env": "accepted for symmetry; an image is the same for every environment",
        "platforms": "linux/amd64, linux/arm64 or both by comma; this machine's own if not given",
        "json": JSON,
    }
)
def build(_: Context, env: str = "", platforms: str = "", json: bool = False) -> None:  # noqa: ARG001
    """Build the images of both services and name them."""
    from deployer import local

    run(lambda: local.images(local.APPLICATION, as_json=json, only_for=platforms))


push = _stage("push", "Build the images and push them to ENV's registry.")
plan = _planned("plan", "Show what Terraform would change in ENV; save the plan.")
apply = _planned("apply", "Apply exactly the plan that `inv plan` saved for ENV.")
verify = _stage("verify", "Check that what a release leans on is there in ENV.")
migrate = _stage("migrate", "Bring ENV's database schema to this commit's head.")
smoke_test = _stage("smoke-test", "Prove what runs in ENV: its containers, pages and API.")


@task(help={"only": "sessions to run, by comma: lint, types, unit, …", "env": "accepted for symmetry"})
def test(_: Context, only: str = "", env: str = "") -> None:  # noqa: ARG001
    """Run every test of the project, or one session of them."""
    from deployer import local

    run(lambda: local.test(only))


reconcile = _stage("reconcile", "Settle what a run that was cut off left behind in ENV.")


@task(help={"env": ENV, "cloud": CLOUD, "json": JSON})
def drift(_: Context, env: str = "dev", cloud: str = "", json: bool = False) -> None:
    """Find what was changed in ENV around Terraform.

    Exit 10 if anything was. Only looks. What the deployer owns (weights, counts, task definitions) is no drift.
    """
    from deployer import drift as drifting

    run(lambda: drifting.drift(env, cloud=cloud or None, as_json=json))


@task(help={"json": JSON})
def parity(_: Context, json: bool = False) -> None:
    """Compare the three tfvars; a difference needs a reason.

    Reasons are in infrastructure/terraform/environments/parity.toml. Exit 10 without one.
    """
    from deployer import parity as comparing

    run(lambda: comparing.parity(as_json=json))


@task(help={"env": ENV, "reason": "what others should know", "cloud": CLOUD, "yes": YES})
def lock(_: Context, env: str = "dev", reason: str = "", cloud: str = "", yes: bool = False) -> None:
    """Hold ENV against every command that writes, until inv unlock."""
    from deployer import held

    run(lambda: held.lock(env, reason=reason, cloud=cloud or None, yes=yes))


@task(help={"env": ENV, "reason": "why the lock is over, or its holder known to be gone", "cloud": CLOUD, "yes": YES})
def unlock(_: Context, env: str = "dev", reason: str = "", cloud: str = "", yes: bool = False) -> None:
    """Free ENV from a lock, or from a lease whose holder is gone."""
    from deployer import held

    run(lambda: held.unlock(env, reason=reason, cloud=cloud or None, yes=yes))


@task(help={"env": ENV, "cloud": CLOUD})
def attach(_: Context, env: str = "dev", cloud: str = "") -> None:
    """Follow the run that another process has under way in ENV."""
    from deployer import held

    run(lambda: held.attach(env, cloud=cloud or None))


@task(help={"env": ENV, "reason": "why; the ledger keeps it", "cloud": CLOUD, "yes": YES})
def abort(_: Context, env: str = "dev", reason: str = "", cloud: str = "", yes: bool = False) -> None:
    """Make the run under way in ENV put things back."""
    from deployer import held

    run(lambda: held.abort(env, reason=reason, cloud=cloud or None, yes=yes))


@task(help={"json": JSON})
def images(_: Context, json: bool = False) -> None:
    """Build every image of the project and name them."""
    from deployer import local

    run(lambda: local.images(local.IMAGES, as_json=json))


@task(help={"yes": "remove it; without it is only shown", "json": JSON})
def clean(_: Context, yes: bool = False, json: bool = False) -> None:
    """Show what old images, caches and logs would go."""
    from deployer import clean as cleaning

    run(lambda: cleaning.clean(yes=yes, as_json=json))


@task
def cloud_up(_: Context) -> None:
    """Start the local cloud and wait until it answers."""
    from deployer import local

    run(local.cloud_up)


@task
def cloud_down(_: Context) -> None:
    """Remove the local cloud and all that is in it."""
    from deployer import local

    run(local.cloud_down)


@task(help={"json": JSON})
def cloud_status(_: Context, json: bool = False) -> None:
    """Say what the local cloud runs."""
    from deployer import local

    run(lambda: local.cloud_status(as_json=json))


@task
def dev(_: Context) -> None:
    """Serve the site from the source tree, with reload."""
    from deployer import development

    run(development.dev)


@task(
    help={
        "env": ENV,
        "service": "backend or frontend; both if not given",
        "since": "how far back: 90s, 10m, 2h or 1d",
        "follow": "go on with what comes, until Ctrl-C",
        "cloud": CLOUD,
        "json": "print one JSON object a line",
    }
)
def logs(
    _: Context,
    env: str = "dev",
    service: str = "",
    since: str = "10m",
    follow: bool = False,
    cloud: str = "",
    json: bool = False,
) -> None:
    """Print what the containers of ENV print, in order of time."""
    from deployer import observe

    run(lambda: observe.logs(env, cloud=cloud or None, service=service, since=since, follow=follow, as_json=json))


@task(
    help={
        "env": ENV,
        "service": "backend or frontend",
        "command": "run this there and end with its exit code; a shell if not given",
        "cloud": CLOUD,
    }
)
def shell(_: Context, env: str = "dev", service: str = "backend", command: str = "", cloud: str = "") -> None:
    """Open a shell, or run a command, in a container of ENV."""
    from deployer import observe

    run(lambda: observe.shell(env, cloud=cloud or None, service=service, command=command))


@task(
    help={
        "env": "dev: no other environment has a console",
        "command": "run this SQL and end; an open console if not given",
        "database": "another database of the same server, as inv dev's indivillage_local",
    }
)
def db_console(_: Context, env: str = "dev", command: str = "", database: str = "") -> None:
    """Open psql on the database of the dev environment."""
    from deployer import observe

    run(lambda: observe.db_console(env, command=command, database=database))


CONTENTS: dict[str, tuple[Any, ...]] = {
    "Releases": (deploy, rollback, attach, abort, reconcile, lock, unlock),
    "What runs": (status, history, logs, shell, Collection("db", console=db_console)),
    "Each stage alone": (lint, test, scan, build, push, plan, apply, verify, migrate, smoke_test),
    "Infrastructure": (drift, parity),
    "This machine": (dev, images, clean, Collection("cloud", up=cloud_up, down=cloud_down, status=cloud_status)),
}
ns = Collection(*(part for parts in CONTENTS.values() for part in parts))
# For `deployer.program`, which lists by these headings what Invoke itself lists by name.
ns.configure({"contents": {heading: [part.name for part in parts] for heading, parts in CONTENTS.items()}})
