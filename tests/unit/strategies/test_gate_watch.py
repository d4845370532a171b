"""The loop around the decision: when it looks, when it gives up, whom it asks for samples, and what it writes down."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.errors import GateFailed, Interrupted, Unreachable
from deployer.model import Color, Figures, Limits, Release
from deployer.ports import World
from deployer.strategies import gate_watch
from deployer.strategies.gate_watch import Watch
from tests import examples
from tests.fakes import Fakes

BLUE, GREEN = Color.BLUE, Color.GREEN
RELEASE = replace(examples.release(), color=GREEN)
LIMITS = Limits(error_rate_percent=1, latency_p95_ms=1000, period_s=1)
NOBODY = Figures(0, 0, None, 1.0)


@pytest.fixture
def fakes() -> Fakes:
    """An environment with a limit of 1%: 299 requests."""
    return Fakes(environment=replace(examples.ENVIRONMENT, limits=LIMITS))


@pytest.fixture
def world(fakes: Fakes, tmp_path: Path) -> World:
    """Its ports."""
    return fakes.world(tmp_path)


@pytest.fixture
def watch(world: World) -> Watch:
    """Watches RELEASE."""
    return Watch(RELEASE, world, alone=False)


def hold(watch: Watch, world: World, weight: int = 10, bake_s: float = 10.0) -> float:
    """Stay at a split until the watch says yes; return how long that took."""
    began = world.clock.monotonic()
    watch.open({GREEN: weight, BLUE: 100 - weight}, bake_s)
    while not watch.passed():
        world.clock.wait(1.0)
    return world.clock.monotonic() - began


def test_good_figures_pass_when_the_bake_time_is_over(fakes: Fakes, world: World, watch: Watch) -> None:
    """Not before, and with visitors enough no probe is sent."""
    assert 10.0 == hold(watch, world)
    assert [] == fakes.probe.called("sample")
    assert [("pass", 10)] == [(each["verdict"], each["weight_percent"]) for each in world.decisions]


def test_bad_figures_end_it_at_once_with_figures(fakes: Fakes, world: World, watch: Watch) -> None:
    """In the message, and in what goes to the ledger."""
    fakes.metrics.seen[GREEN] = Figures(400, 20, 30.0, 1.0)
    with pytest.raises(GateFailed, match=r"20 errors in 400 requests.*5\.0% failed, 1% are the limit") as caught:
        hold(watch, world)

    assert 0.0 == world.clock.monotonic()
    assert "new color: 20 errors in 400 requests, p95 30 ms" in caught.value.details
    assert {"requests": 400, "errors": 20, "p95_ms": 30.0, "age_s": 1.0, "own": 0} == world.decisions[0]["new"]


def test_too_few_visitors_hold_until_the_deadline(fakes: Fakes, world: World, watch: Watch) -> None:
    """Probes that nobody counts do not help; then it goes back."""
    fakes.metrics.seen = {GREEN: NOBODY, BLUE: NOBODY}
    with pytest.raises(GateFailed, match=r"no verdict 30 s after the bake time: .*299 requests are needed"):
        hold(watch, world)

    assert 41.0 == world.clock.monotonic()
    sent = sum(int(str(count)) for count, *_ in fakes.probe.called("sample"))
    assert 299 < sent <= 2 * gate_watch.MOST_PROBES


def test_probes_supply_what_visitors_do_not(
    fakes: Fakes, world: World, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test listener's meet green, the public one's both; they are marked as ours."""
    fakes.metrics.seen = {GREEN: NOBODY, BLUE: NOBODY}

    def sample(count: int, within_s: float, *, idle: bool = False) -> int:
        for color, share in {GREEN: 1.0 if idle else 0.1, BLUE: 0.0 if idle else 0.9}.items():
            had = fakes.metrics.seen[color].requests
            fakes.metrics.seen[color] = Figures(had + round(count * share), 0, 20.0, 1.0)
        return count

    monkeypatch.setattr(fakes.probe, "sample", sample)
    assert 10.0 == hold(watch, world)
    probes = world.decisions[0]["probes"]
    assert isinstance(probes, dict)
    assert (True, True) == (250 < probes["new"] <= 300, 60 < probes["both"] <= 200)


@pytest.mark.parametrize("method", ["alarms", "figures"])
def test_what_cannot_be_read_holds(fakes: Fakes, world: World, watch: Watch, method: str) -> None:
    """A look that fails is no verdict; the next one may be."""
    fakes.metrics.fail(method, Unreachable("read", "throttled"), times=12)

    assert 12.0 == hold(watch, world)


def test_what_can_never_be_read_goes_back(fakes: Fakes, world: World, watch: Watch) -> None:
    """No data, no advance."""
    fakes.metrics.fail("figures", Unreachable("read", "throttled"), times=1000)
    with pytest.raises(GateFailed, match=r"the metrics cannot be read.*throttled"):
        hold(watch, world)


def test_ctrl_c_is_no_failure_to_read(fakes: Fakes, world: World, watch: Watch) -> None:
    """It ends the run."""
    fakes.metrics.fail("figures", Interrupted("wait", "asked to stop"))
    with pytest.raises(Interrupted):
        hold(watch, world)


def test_on_aws_it_asks_four_times_a_minute(fakes: Fakes, world: World) -> None:
    """The metrics change once a minute."""
    environment = replace(world.environment, limits=replace(LIMITS, period_s=60))
    slow = replace(world, environment=environment)
    hold(Watch(RELEASE, slow, alone=False), slow, bake_s=300.0)

    assert len(fakes.metrics.called("figures")) <= 21


def test_a_window_begins_with_a_full_period(fakes: Fakes, world: World) -> None:
    """What came before the shift is in the same datum."""
    environment = replace(world.environment, limits=replace(LIMITS, period_s=60))
    slow = replace(world, environment=environment)
    world.clock.wait(7.0)
    hold(Watch(RELEASE, slow, alone=False), slow, bake_s=60.0)
    since = fakes.metrics.called("figures")[0][0]

    assert str(since).endswith(":00+00:00")


def test_the_first_release_is_compared_with_nothing(fakes: Fakes, world: World) -> None:
    """It says so, in the ledger too."""
    fakes.metrics.seen[BLUE] = Figures()
    hold(Watch(RELEASE, world, alone=True), world, weight=100, bake_s=0.0)

    assert None is world.decisions[0]["other"]
    assert "nothing to compare with" in str(world.decisions[0]["reason"])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda r: r, ()),
        (lambda r: replace(r, fix_forward="it mends that"), ("late",)),
        (lambda r: replace(r, kind="rollback"), ("late",)),
    ],
)
def test_who_may_pass_over_an_alarm(
    fakes: Fakes, world: World, change: Callable[[object], object], expected: tuple[str, ...]
) -> None:
    """A rollback is what an alarm calls for."""
    fakes.metrics.states = {"late": "ALARM", "fine": "OK"}
    assert expected == gate_watch.accepted(change(RELEASE), world)  # type: ignore[arg-type]


ROLLBACK = replace(RELEASE, kind="rollback", restores="dev-0")
FIX = replace(RELEASE, fix_forward="it mends that")
BROKEN = {
    "crashes": Figures(300, 0, 5.0, 1.0, own=290),
    "answers with 5xx": Figures(300, 290, 5.0, 1.0),
    "runs nothing": Figures(),
    "is slow": Figures(300, 0, 9000.0, 1.0),
}


@pytest.mark.parametrize("release", [ROLLBACK, FIX], ids=["rollback", "fix"])
@pytest.mark.parametrize("weight", [0, 10, 100])
@pytest.mark.parametrize("trouble", BROKEN)
def test_a_broken_live_release_cannot_stop_the_one_that_mends_it(
    fakes: Fakes, world: World, release: Release, weight: int, trouble: str
) -> None:
    """Neither by its errors, nor by having no data, nor by being quick to fail: green is judged by its own figures."""
    fakes.metrics.seen = {BLUE: BROKEN[trouble], GREEN: Figures(300, 0, 400.0, 1.0, own=BROKEN[trouble].own)}
    hold(Watch(release, world, alone=False), world, weight)

    assert "0 errors in 300 requests, p95 400 ms; nothing to compare with" == world.decisions[0]["reason"]


@pytest.mark.parametrize("release", [ROLLBACK, FIX], ids=["rollback", "fix"])
def test_what_mends_still_has_to_be_good_itself(fakes: Fakes, world: World, release: Release) -> None:
    """Its own errors end it, and a live release that does well is a measure for it too."""
    fakes.metrics.seen = {BLUE: BROKEN["runs nothing"], GREEN: Figures(300, 20, 20.0, 1.0)}
    with pytest.raises(GateFailed, match=r"6\.7% failed"):
        hold(Watch(release, world, alone=False), world)

    fakes.metrics.seen = {BLUE: Figures(300, 0, 20.0, 1.0), GREEN: Figures(300, 0, 400.0, 1.0)}
    with pytest.raises(GateFailed, match="the other color has 0 errors in 300 requests, p95 20 ms"):
        hold(Watch(release, world, alone=False), world)


def test_the_balancer_s_own_errors_are_not_green_s_before_it_has_visitors(
    fakes: Fakes, world: World, watch: Watch
) -> None:
    """With visitors they may be: then they count, and ask for more requests."""
    fakes.metrics.seen[GREEN] = Figures(300, 0, 20.0, 1.0, own=30)
    hold(watch, world, weight=0, bake_s=0.0)
    with pytest.raises(GateFailed, match=r"30 more 5xx of the load balancer itself: 10\.0% failed"):
        hold(watch, world, weight=10)

    assert 30 == world.decisions[0]["new"]["own"]  # type: ignore[index]


@pytest.mark.parametrize("name", ["indivillage-dev-blue-errors", "indivillage-dev-balancer-errors"])
@pytest.mark.parametrize(
    ("release", "expected"), [(RELEASE, "fail"), (ROLLBACK, "pass"), (FIX, "pass")], ids=["deploy", "rollback", "fix"]
)
def test_the_live_release_s_alarm_may_come_late(
    fakes: Fakes, world: World, name: str, release: Release, expected: str
) -> None:
    """A rollback can be begun before the alarm fires that calls for it; what was passed over is written down."""
    fakes.metrics.states[name] = "ALARM"
    with suppress(GateFailed):
        hold(Watch(release, world, alone=False), world)

    assert expected == world.decisions[0]["verdict"]
    assert (expected == "pass") is (name in world.decisions[0]["ignored_alarms"])  # type: ignore[operator]


@pytest.mark.parametrize("name", ["indivillage-dev-blue-latency", "indivillage-dev-frontend-blue-hosts"])
@pytest.mark.parametrize(("weight", "expected"), [(0, "fail"), (50, "fail"), (100, "pass")])
def test_a_color_that_has_been_left_stops_nothing(
    fakes: Fakes, world: World, watch: Watch, name: str, weight: int, expected: str
) -> None:
    """Its last requests are the slow ones, which no new visitor meets; while it serves, its alarms count."""
    fakes.metrics.states[name] = "ALARM"
    with suppress(GateFailed):
        hold(watch, world, weight)

    assert (expected, expected == "pass") == (
        world.decisions[0]["verdict"],
        name in world.decisions[0]["ignored_alarms"],  # type: ignore[operator]
    )


@pytest.mark.parametrize("name", ["indivillage-dev-green-latency", "indivillage-dev-balancer-errors", "orders-late"])
def test_at_100_percent_all_other_alarms_count(fakes: Fakes, world: World, watch: Watch, name: str) -> None:
    """The new color's, the load balancer's, and those that name no color."""
    fakes.metrics.states[name] = "ALARM"
    with pytest.raises(GateFailed, match=f"alarm {name}"):
        hold(watch, world, 100)


def test_green_s_own_alarm_stops_what_mends(fakes: Fakes, world: World) -> None:
    """It is of what the release runs."""
    fakes.metrics.states["indivillage-dev-frontend-green-hosts"] = "ALARM"
    with pytest.raises(GateFailed, match="alarm indivillage-dev-frontend-green-hosts"):
        hold(Watch(ROLLBACK, world, alone=False), world)


def test_an_alarm_without_a_state_holds_until_it_has_one(
    fakes: Fakes, world: World, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CloudWatch looks at a new alarm within its period."""
    states = iter(["INSUFFICIENT_DATA"] * 13)
    monkeypatch.setattr(fakes.metrics, "alarms", lambda: {"green-latency": next(states, "OK")})

    assert 13.0 == hold(watch, world)
