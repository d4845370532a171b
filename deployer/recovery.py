"""What every command that writes does first: finish or undo what a run that was cut off left behind.

The journal tells that there is something, and what the dead run had found; what is done about it follows from what ECS
and the load balancer say. A release that had passed its last proof is finished, any other one is undone: traffic to
the color that is known good, the idle one down, task definitions that nothing proven uses deregistered, and the ledger
gets the last word that the dead run could not write. A journal that is damaged or gone means the same work.
Everything is absolute and may be cut off and done again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from deployer.errors import GateFailed, InputError, ReleaseFailed, Undecided
from deployer.journal_page import Page
from deployer.model import SERVICES, Color, Holder, Record, Release, Revision, Verdict
from deployer.ports import World
from deployer.stages.deploy import strategy
from deployer.verdict import doubts, revisions

UNTOLD = frozenset({None, Verdict.INTERRUPTED})
"""Verdicts that nobody gave after looking: what serves with one of them is looked at again."""


def begin(release: Release, holder: Holder, world: World) -> str:
    """Put right what is left behind, then open this run's page. Returns what was done, "" when nothing was to do."""
    left = world.journal.read()
    why = _why(left, holder, world)
    did = ""
    if why:
        world.say(f"{why}: putting that right first")
        # Half of it is no better than what was found, and a second Ctrl-C changes nothing either.
        with world.clock.shield():
            world.journal.begin(_taken_up(left, release, holder, world.lease.now()))
            did = _attempt(left, release, world)
    world.journal.begin(replace(Page.of(release, holder.fencing, world.lease.now()), reason=did))
    return did


def _attempt(left: Page | None, release: Release, world: World) -> str:
    """Put right. What was good and does not come up any more is no reason to keep a release out that may mend it."""
    try:
        did = put_right(left, release, world)
    except ReleaseFailed as error:
        world.journal.end(None, error.exit_code, str(error))
        world.say(f"what served before does not come up again: {error.seen}")
        return ""
    world.journal.end(None, 0, did)
    world.say(did)
    return did


def _why(left: Page | None, holder: Holder, world: World) -> str:
    """Say what calls for a recovery; "" when the last run ended as it should."""
    if left is None:
        return "the journal is gone" if holder.fencing > 1 else ""
    if left.damage:
        return left.damage
    if left.open:
        when = f"{left.began_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        words = f"the {left.kind} {left.release} of {left.actor} ({when}) was cut off at: {left.last}"
        return words if left.unsettled else ""
    if any(entry.call == "write" for entry in left.entries):
        record = world.ledger.find(left.release)
        if record is None or record.outcome is None:
            return f"the ledger's record of {left.release} is damaged, unfinished or gone"
    return ""


def _taken_up(left: Page | None, release: Release, holder: Holder, now: datetime) -> Page:
    """The page of a recovery: what the dead run knew has to outlive this one as well."""
    own = Page.of(release, holder.fencing, now, "reconcile")
    if left is None or left.damage:
        return replace(own, recovers="-")
    keeps = replace(own, recovers=left.dead, restores=left.restores, color=left.color, proven=left.proven)
    return replace(keeps, weights=left.weights, revisions=left.revisions)


def put_right(left: Page | None, release: Release, world: World) -> str:
    """Finish or undo, and say what was done. Raises StateUncertain when nobody can tell what is good."""
    did = _visitors_first(world) if left is not None and not left.proven else []
    history = world.ledger.history()
    mended = world.ledger.mend([record.release for record in history if record.damaged])
    history = world.ledger.history() if mended else history
    did += [f"the ledger has {name} again, from an earlier version" for name in mended]
    untold = [record for record in history if record.outcome is None and not record.damaged]
    dead = [record for record in untold if record.release != release.id]
    try:
        world.infrastructure.topology()
    except InputError:
        did += _write_off(dead, world)
        return _told(did, "the environment was never applied, nothing runs")
    if left is not None and left.proven:
        did += _finish(left, dead, world)
        dead = [record for record in dead if record.release != left.dead]
    try:
        settled = strategy(world.environment).settle(world, left)
    except ReleaseFailed:
        _write_off(dead, world)
        raise
    did += [settled] if settled else []
    live = _live(world)
    did += _prove(live, world)
    serving = {revision.release for revision in live}
    did += _write_off([r for r in dead if r.release not in serving or not _is_good(r.release, world)], world)
    did += forget(_of_dead(left, dead), history, world)
    return _told(did, f"nothing was left behind, {live[0].color} has all traffic")


def _visitors_first(world: World) -> list[str]:
    """Before the whole ledger is read: traffic to a color that is known good by the two records that matter."""
    try:
        before = dict(world.traffic.weights())
        strategy(world.environment).place(world)
        after = dict(world.traffic.weights())
    except (Undecided, InputError):
        return []  # never applied; or what is mended and settled next tells which one is good
    return [f"all traffic to {max(after, key=lambda color: after[color])}"] if after != before else []


def _told(did: Sequence[str], nothing: str) -> str:
    return "; ".join(did) or nothing


def _live(world: World) -> tuple[Revision, ...]:
    weights = world.traffic.weights()
    return tuple(revisions(max(weights, key=lambda color: weights[color], default=Color.BLUE), world).values())


def _is_good(name: str, world: World) -> bool:
    record = world.ledger.find(name)
    return record is not None and record.outcome is Verdict.GOOD


def _serves(name: str, live: Iterable[Revision]) -> bool:
    return all(revision.release == name and revision.running for revision in live)


def _finish(left: Page, dead: Sequence[Record], world: World) -> list[str]:
    """The release was proven and only its last word is missing: it is good, if it still is what serves."""
    live = _live(world)
    if not _serves(left.restores or left.dead, live):
        return []
    known = next((record for record in dead if record.release == left.dead), None)
    if known is None and _is_good(left.dead, world):
        return []
    record = known or _rebuilt(left.dead, live, world)
    world.ledger.write(_proven(record, live, "it was proven; its run was cut off before it could say so", world))
    return [f"{left.dead} was proven and is good"]


def _prove(live: Sequence[Revision], world: World) -> list[str]:
    """What serves and has no verdict is looked at now: there is nothing better to give the visitors to."""
    name = live[0].release
    if not name or not _serves(name, live):
        return []
    record = world.ledger.find(name)
    if record is not None and record.outcome not in UNTOLD:
        return []
    if record is not None and record.damaged:
        record = None  # nothing is known of it but its name
    release = Release(name, world.environment.name, live[0].commit, "", world.lease.now(), color=live[0].color)
    # All that is wanted has to run before it is called good: nobody has seen it do so.
    release = replace(release, counts={revision.service: revision.desired for revision in live})
    try:
        found = doubts(release, world)
        if found:
            return [f"{name} serves and is not proven: {found[0]}"]
        world.probe.smoke(name, world.say, world.logs / "smoke-recovery.log")
    except (GateFailed, ReleaseFailed) as error:
        return [f"{name} serves and is not proven: {error.seen}"]
    reason = "its run was cut off; proven afterwards" if record else "its record was gone; rebuilt from what runs"
    world.ledger.write(_proven(record or _rebuilt(name, live, world), live, reason, world))
    return [f"{name} serves alone, is proven now and good"]


def _proven(record: Record, live: Iterable[Revision], reason: str, world: World) -> Record:
    return replace(
        record,
        outcome=Verdict.GOOD,
        ended_at=world.lease.now(),
        reason=reason,
        digests={revision.service: revision.digest for revision in live},
        task_definitions={r.service: r.task_definition for r in live if r.task_definition},
    )


def _rebuilt(name: str, live: Sequence[Revision], world: World) -> Record:
    """A record from what ECS says of its release; who made it and from which plan nobody knows any more."""
    release = Release(name, world.environment.name, live[0].commit, "", _began(name, world.lease.now()))
    return Record.of(release)


def _began(name: str, otherwise: datetime) -> datetime:
    """When the release of this name began: its name says so (`model.release_id`)."""
    try:
        return datetime.strptime(name.split("-")[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except (IndexError, ValueError):
        return otherwise


def _write_off(dead: Iterable[Record], world: World) -> list[str]:
    """The last word of runs that could not write it. Nobody else can be at work: the lease is ours."""
    did = []
    for record in dead:
        reason = "its run was cut off; the next command put things back"
        world.ledger.write(replace(record, outcome=Verdict.INTERRUPTED, ended_at=world.lease.now(), reason=reason))
        did.append(f"{record.release} is written down as interrupted")
    return did


def _of_dead(left: Page | None, dead: Sequence[Record]) -> set[str]:
    """Names that task definitions of dead runs may carry."""
    names = {name for record in dead for name in (record.release, record.restores)}
    return (names | ({left.dead, left.restores} if left else set())) - {"", "-"}


def forget(names: Collection[str], history: Sequence[Record], world: World) -> list[str]:
    """Deregister task definitions of these releases that neither a good release nor a running task uses."""
    if not names:
        return []
    kept = {arn for record in history if record.outcome is Verdict.GOOD for arn in record.task_definitions.values()}
    there = [revision for color in Color for revision in revisions(color, world).values()]
    kept |= {revision.task_definition for revision in there if revision.task_definition and revision.desired}
    gone = {arn: None for service in SERVICES for arn in world.compute.registered(service, names) if arn not in kept}
    for arn in gone:
        world.compute.deregister(arn)
    return [f"{len(gone)} task definitions that nothing proven uses deregistered"] if gone else []
