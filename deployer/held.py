"""`inv lock`, `inv attach`, `inv abort`: what one process does about an environment that another one holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from deployer import console, read
from deployer.errors import DeployError, InputError, StateUncertain
from deployer.journal_page import Page
from deployer.model import Environment, Holder
from deployer.ports import World
from deployer.source import from_commit, permit
from deployer.stop import Stop

ROOT = Path(__file__).resolve().parent.parent
LISTEN_EVERY_S = 2.0
"""How often a run looks whether somebody wants it to stop: one small read."""
FOLLOW_EVERY_S = 1.0


@contextmanager
def listening(world: World, stop: Stop) -> Iterator[None]:
    """While a run lasts and has begun its journal, let `inv abort` of another process stop it."""
    over = threading.Event()

    def listen() -> None:
        while not over.wait(LISTEN_EVERY_S):
            page = world.journal.page
            if page is None:
                continue
            try:
                asked = world.abort.asked(page.fencing)
            except DeployError:
                continue  # out of reach for now: whoever asks sees that the run goes on
            if asked:
                stop.abort(asked)
                return

    thread = threading.Thread(target=listen, name="abort", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def lock(env: str, *, reason: str, cloud: str | None, yes: bool) -> int:
    """Hold the environment against every command that writes, until `inv unlock`."""
    if not reason.strip():
        raise InputError("lock", "no reason is given", "--reason='what others should know'")
    found = read.site(env, cloud)
    found.world.lease.require_free()
    left = found.world.journal.read()
    if left is not None and left.unsettled:
        # Whoever holds the environment keeps the next command out, and the scheduled task: nobody would put it right.
        raise InputError(
            f"lock {env}",
            f"a run that was cut off has not been put right yet ({left.damage or left.dead})",
            f"inv reconcile --env={env}, then lock it",
        )
    holder = found.world.lease.keep(_actor(found.world.environment, yes=yes), reason.strip())
    console.line(f"{env} is locked by {holder.owner} until inv unlock --env={env} --reason=…")
    return 0


def unlock(env: str, *, reason: str, cloud: str | None, yes: bool) -> int:
    """Remove the lease whoever holds it; for a lock that is over, or the day its holder is known to be gone."""
    if not reason.strip():
        raise InputError("unlock", "no reason is given", "--reason='why the holder is known to be gone'")
    found = read.site(env, cloud)
    _actor(found.world.environment, yes=yes)
    holder = found.world.lease.break_()
    console.line(f"{holder.owner} held {env}; now it is free ({reason})" if holder else f"{env} was free")
    return 0


def abort(env: str, *, reason: str, cloud: str | None, yes: bool) -> int:
    """Ask the run that another process has under way to put things back."""
    world = read.site(env, cloud).world
    actor = _actor(world.environment, yes=yes)
    holder = at_work(world, "abort")
    world.abort.ask(holder.fencing, actor, reason.strip())
    console.line(f"asked {holder.owner} to stop {holder.release} and put things back; inv attach --env={env} follows")
    return 0


def attach(env: str, *, cloud: str | None) -> int:
    """Follow the run that another process has under way; ends with its exit code."""
    world = read.site(env, cloud).world
    return follow(world, at_work(world, "attach"), console.answer)


def at_work(world: World, what: str) -> Holder:
    """Whoever has a run under way. Raises InputError when nobody does."""
    environment = world.environment
    holder, env = world.lease.holder(), f"--env={environment.short_name}"
    if holder is None:
        hint = f"inv reconcile {env} puts right what a run that was cut off left; inv history {env} tells how it ended"
        raise InputError(f"{what} a run in {environment.name}", "nobody is at work there", hint)
    if holder.reason:
        seen = f"nobody is at work there: {holder.owner} locked it ({holder.reason})"
        raise InputError(f"{what} a run in {environment.name}", seen, f"inv unlock {env} --reason=… frees it")
    return holder


def follow(world: World, holder: Holder, tell: Callable[[str], None]) -> int:
    """Tell the journal's steps as they come until the run of `holder` ends; returns its exit code.

    Raises StateUncertain when it ends without a last word.
    """
    tell(f"{holder.release} of {holder.owner}")
    told: set[str] = set()
    while True:
        held = world.lease.holder()
        gone = held is None or held.fencing != holder.fencing
        page = world.journal.read()
        if page is not None and page.fencing == holder.fencing:
            for line in (line for line in _lines(page) if line not in told):
                told.add(line)
                tell(line)
            # A recovery is a page of its own, before that of the release.
            if page.exit_code is not None and (gone or not page.recovers):
                tell(f"{page.release}: {page.outcome or 'ended'}{f', {page.reason}' if page.reason else ''}")
                return page.exit_code
        if gone:
            raise StateUncertain(
                f"follow {holder.release}",
                "its run ended without a last word",
                f"inv reconcile --env={world.environment.short_name} puts right what it left",
            )
        world.clock.wait(FOLLOW_EVERY_S)


def _lines(page: Page) -> Iterator[str]:
    kind = "recovery " if page.recovers else ""
    for entry in page.entries:
        yield f"{entry.began_at:%H:%M:%S} {kind}{entry.step:>3} {entry.intent}"
        if entry.ended_at is not None:
            took_s = (entry.ended_at - entry.began_at).total_seconds()
            yield f"{entry.ended_at:%H:%M:%S} {kind}{entry.step:>3} {entry.observed} after {took_s:.1f} s"


def _actor(environment: Environment, *, yes: bool) -> str:
    """Who asks, once it is clear that the environment may be changed."""
    with from_commit(ROOT, "") as given:
        permit(environment, replace(given, dirty=()), yes=yes)
        return given.actor
