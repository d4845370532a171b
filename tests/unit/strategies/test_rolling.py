"""Rolling: both services as one unit, and what ran before comes back whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from deployer.errors import DeployError, Interrupted, ReleaseFailed, RolledBack, StateUncertain, Unreachable
from deployer.journal_page import Found, Page
from deployer.model import SERVICES, Color, Image, Outcome, Record, Release, Verdict
from deployer.ports import World
from deployer.strategies import rolling
from tests import examples
from tests.fakes import Fakes, digest

BLUE, GREEN = Color.BLUE, Color.GREEN
OLD = examples.release()
NEW = replace(
    examples.release(examples.NOW + timedelta(hours=1), "f" * 40),
    images={name: Image(name, f"indivillage/{name}", f"sha256:{digest('new', name)}") for name in SERVICES},
)


def serving(fakes: Fakes, color: Color = BLUE) -> dict[str, str]:
    """What runs in `color`: release by service."""
    live = [fakes.compute.live(service, color) for service in SERVICES]
    return {r.service: r.release for r in live if r.running and r.rollout == "COMPLETED"}


def both(release: Release) -> dict[str, str]:
    """Both services of one release."""
    return dict.fromkeys(SERVICES, release.id)


def crash(fakes: Fakes, service: str) -> None:
    """Let the new containers of `service` die at start."""
    fakes.compute.crashing.add(NEW.images[service].digest)


def failing(world: World, error: type[Exception]) -> Exception:
    """Run the strategy, which raises `error`, and return it."""
    with pytest.raises(error) as caught:
        rolling.run(NEW, world)
    return caught.value


def rolled_out(fakes: Fakes) -> list[object]:
    """The services that were rolled out, in order."""
    return [arguments[0] for arguments in fakes.compute.called("roll_out")]


def test_backend_first_then_frontend(fakes: Fakes, world: World) -> None:
    """A new frontend may call what only the new backend has; both end as the release's own task definitions."""
    fakes.compute.serve(OLD)

    outcome = rolling.run(NEW, world)

    assert ["backend", "frontend"] == rolled_out(fakes)
    assert both(NEW) == serving(fakes)
    live = {name: fakes.compute.live(name, BLUE).task_definition for name in SERVICES}
    assert live == outcome.learned["task_definitions"]
    assert "backend indivillage-dev-backend:3, frontend indivillage-dev-frontend:4" == outcome.note


def test_images_go_by_digest(fakes: Fakes, world: World) -> None:
    """What was tested is what runs."""
    rolling.run(NEW, world)

    assert {i.digest for i in NEW.images.values()} == {fakes.compute.live(name, BLUE).digest for name in SERVICES}


def test_a_scaled_out_service_keeps_its_count(fakes: Fakes, world: World) -> None:
    """Autoscaling's count is not cut to the configured one in the middle of the day."""
    fakes.compute.serve(OLD, count=3)

    outcome = rolling.run(NEW, world)

    assert [3, 3] == [fakes.compute.live(name, BLUE).running for name in SERVICES]
    assert dict.fromkeys(SERVICES, 3) == outcome.learned["counts"], "the smoke test asks for all three"


def test_given_task_definitions_are_not_registered_again(fakes: Fakes, world: World) -> None:
    """A rollback runs the very task definitions of the release it restores."""
    arns = fakes.compute.serve(OLD)
    fakes.compute.serve(NEW)

    outcome = rolling.run(replace(NEW, task_definitions=arns, restores=OLD.id), world)

    assert ([], arns) == (fakes.compute.called("register"), outcome.learned["task_definitions"])
    assert both(OLD) == serving(fakes)


@pytest.mark.parametrize("broken", SERVICES)
def test_one_broken_service_puts_both_back(fakes: Fakes, world: World, broken: str) -> None:
    """The circuit breaker fired: the release fails as one unit and what served before serves."""
    fakes.compute.serve(OLD)
    crash(fakes, broken)

    error = failing(world, RolledBack)

    assert both(OLD) == serving(fakes)
    assert isinstance(error, DeployError)
    assert ("the circuit breaker fired", f"release {OLD.id} still serves") == (error.seen, error.hint)
    assert ("Essential container exited, exit code 1",) == error.details


def test_put_back_in_reverse(fakes: Fakes, world: World) -> None:
    """The new frontend must not meet the old backend."""
    fakes.compute.serve(OLD)
    crash(fakes, "frontend")

    failing(world, RolledBack)

    assert ["backend", "frontend", "frontend", "backend"] == rolled_out(fakes)


def test_what_was_not_touched_is_not_put_back(fakes: Fakes, world: World) -> None:
    """The backend failed first: the frontend's tasks are left alone."""
    fakes.compute.serve(OLD)
    crash(fakes, "backend")

    failing(world, RolledBack)

    assert ["backend", "backend"] == rolled_out(fakes)


def test_a_first_release_that_fails_leaves_nothing_running(fakes: Fakes, world: World) -> None:
    """Nothing stood there before, so both go back to zero, and the message promises nothing."""
    crash(fakes, "frontend")

    error = failing(world, RolledBack)

    assert [("frontend", BLUE, 0), ("backend", BLUE, 0)] == fakes.compute.called("scale")
    assert isinstance(error, DeployError)
    assert "nothing served before; nothing serves now" == error.hint


def test_interrupted_half_way_puts_both_back(fakes: Fakes, world: World) -> None:
    """Ctrl-C while the frontend rolls out: waits of putting back are not cut off."""
    fakes.compute.serve(OLD)
    fakes.clock.stop_at = 2.0

    failing(world, Interrupted)

    assert both(OLD) == serving(fakes)
    assert ["backend", "frontend", "frontend", "backend"] == rolled_out(fakes)


def test_what_fails_before_the_first_change_is_told_as_it_is(fakes: Fakes, world: World) -> None:
    """Nothing was changed, so nothing was rolled back: exit code 30, not 20."""
    fakes.compute.serve(OLD)
    fakes.compute.fail("register", Unreachable("register", "no answer"), "backend")

    failing(world, Unreachable)

    assert ([], []) == (fakes.compute.called("roll_out"), fakes.compute.called("scale"))


def test_a_bug_half_way_is_put_back_and_raised(fakes: Fakes, world: World) -> None:
    """An exception that nobody foresaw must not leave a half release behind."""
    fakes.compute.serve(OLD)
    fakes.compute.fail("roll_out", KeyError("oops"), "frontend")

    failing(world, KeyError)

    assert both(OLD) == serving(fakes)


@pytest.mark.parametrize("second", [ReleaseFailed("roll out", "throttled", details=("twice",)), KeyError("throttled")])
def test_a_failed_restore_is_uncertain_and_tells_both(fakes: Fakes, world: World, second: Exception) -> None:
    """Exit code 21, with what failed first and what could not be put back; the backend is left to fit the frontend."""
    arns = fakes.compute.serve(OLD)
    crash(fakes, "frontend")
    fakes.compute.fail("roll_out", second, "frontend", BLUE, arns["frontend"])

    error = failing(world, StateUncertain)

    assert f"put back frontend to {arns['frontend']}: " in str(error)
    assert "throttled" in str(error)
    assert str(error).endswith("(first failure: the circuit breaker fired)")
    assert isinstance(error, DeployError)
    assert "Essential container exited, exit code 1" == error.details[-1]
    assert ["backend", "frontend", "frontend"] == rolled_out(fakes)


@pytest.mark.parametrize(("during", "touched"), [("backend", ["backend"]), ("frontend", ["backend", "frontend"])])
def test_a_lost_lease_stops_and_touches_nothing_more(
    fakes: Fakes, world: World, during: str, touched: list[str]
) -> None:
    """Lost while `during` rolls out: whoever took it owns the environment, and putting back would break theirs."""
    fakes.compute.serve(OLD)
    fakes.traffic.split = {BLUE: 0, GREEN: 100}
    fakes.lease.acquire("us", NEW.id)

    failing(replace(world, say=lambda line: fakes.lease.lose("them") if during in line else None), StateUncertain)

    assert (touched, []) == (rolled_out(fakes), fakes.traffic.called("set_weights"))


def test_all_traffic_goes_to_the_release_s_color(fakes: Fakes, world: World) -> None:
    """Whatever was rehearsed before; and no call when it goes there already."""
    fakes.traffic.split = {BLUE: 30, GREEN: 70}

    rolling.run(NEW, world)

    rolling.run(NEW, world)

    assert [({BLUE: 100, GREEN: 0},)] == fakes.traffic.called("set_weights")


def test_weights_that_do_not_stick_are_uncertain(fakes: Fakes, world: World) -> None:
    """The read-back differs: both services are put back, and a person looks all the same."""
    fakes.compute.serve(OLD)
    fakes.traffic.split = {BLUE: 30, GREEN: 70}
    fakes.traffic.fail("set_weights", StateUncertain("set the weights", "they are 30/70"))

    error = failing(world, StateUncertain)

    assert (both(OLD), "they are 30/70") == (serving(fakes), getattr(error, "seen", ""))


def undone(world: World) -> Outcome:
    """Roll out and undo; return what was undone."""
    outcome = rolling.run(NEW, world)
    rolling.undo(NEW, outcome, world)
    return outcome


def test_undo_brings_both_back(fakes: Fakes, world: World) -> None:
    """The smoke test failed: frontend first, then backend, as they were."""
    fakes.compute.serve(OLD, count=2)

    undone(world)

    assert ["backend", "frontend", "frontend", "backend"] == rolled_out(fakes)
    assert (both(OLD), 2) == (serving(fakes), fakes.compute.live("backend", BLUE).running)


def test_undo_gives_visitors_back_before_tasks_go(fakes: Fakes, world: World) -> None:
    """Green served all visitors: its weight returns before the blue tasks are scaled down, or nobody would answer."""
    fakes.compute.serve(OLD, GREEN)
    fakes.traffic.split = {BLUE: 0, GREEN: 100}

    undone(world)

    assert ({BLUE: 0, GREEN: 100}, both(OLD), {}) == (fakes.traffic.split, serving(fakes, GREEN), serving(fakes))


def good(fakes: Fakes, release: Release, color: Color = BLUE) -> dict[str, str]:
    """Let `release` serve and be good in the ledger; returns its task definitions."""
    arns = fakes.compute.serve(release, color)
    fakes.ledger.records[release.id] = Record.of(replace(release, task_definitions=arns), Verdict.GOOD)
    return arns


def test_what_serves_and_is_good_is_left_alone(fakes: Fakes, world: World) -> None:
    """A second settling finds nothing, either."""
    good(fakes, OLD)

    assert "" == rolling.settle(world)
    assert ([], []) == (fakes.compute.called("roll_out"), fakes.traffic.called("set_weights"))


def test_a_half_made_release_gives_way_to_what_ran_before(fakes: Fakes, world: World) -> None:
    """Frontend first: a new frontend must not meet the old backend."""
    good(fakes, NEW)
    before = good(fakes, OLD)
    found = tuple(Found(name, BLUE, arn, OLD.id, 1) for name, arn in before.items())
    dead = replace(NEW, id="dev-20260306T000000Z-aaaaaaa")
    arn = fakes.compute.register(dead, "backend", "x@sha256:dead")
    fakes.compute.roll_out("backend", BLUE, arn, 1, 1.0, world.say)
    fakes.compute.calls.clear()
    said = rolling.settle(world, replace(Page.of(dead, 1, examples.NOW), revisions=found))

    assert both(OLD) == serving(fakes)
    assert ["backend"] == rolled_out(fakes)
    assert said.startswith("backend runs ")


def test_without_a_journal_the_newest_good_release_comes_back(fakes: Fakes, world: World) -> None:
    """Of those whose task definitions are known."""
    good(fakes, OLD)
    good(fakes, NEW)
    fakes.compute.serve(replace(NEW, id="dev-20260306T000000Z-aaaaaaa"))
    rolling.settle(world)

    assert both(NEW) == serving(fakes)
    assert ["frontend", "backend"] == rolled_out(fakes)


def test_where_nothing_is_known_good_all_stays(fakes: Fakes, world: World) -> None:
    """Whoever calls settle proves what serves."""
    fakes.compute.serve(NEW)

    assert "" == rolling.settle(world)
    assert both(NEW) == serving(fakes)


def test_an_unfinished_update_to_what_is_good_is_finished(fakes: Fakes, world: World) -> None:
    """The dead run was putting it back."""
    good(fakes, OLD)
    fakes.compute.told["frontend", BLUE] = replace(
        fakes.compute.told["frontend", BLUE], rollout="IN_PROGRESS", running=0
    )
    rolling.settle(world)

    assert (["frontend"], both(OLD)) == (rolled_out(fakes), serving(fakes))


def test_a_split_that_was_rehearsed_ends(fakes: Fakes, world: World) -> None:
    """One color has all traffic in this strategy."""
    good(fakes, OLD)
    fakes.traffic.split = {BLUE: 60, GREEN: 40}

    assert "all traffic to blue" == rolling.settle(world)
    assert {BLUE: 100, GREEN: 0} == fakes.traffic.split


def test_weights_that_cannot_be_read_are_given_back(fakes: Fakes, world: World) -> None:
    """Visitors first, whatever ELBv2 says of its listener."""
    outcome = rolling.run(NEW, world)
    fakes.traffic.split = {BLUE: 30, GREEN: 70}
    fakes.traffic.fail("weights", Unreachable("read", "throttled"), times=9)
    rolling.undo(NEW, outcome, world)

    assert {BLUE: 100, GREEN: 0} == fakes.traffic.split
