"""Twenty people deploy to production in the same moment: one does, nineteen are told who."""

from __future__ import annotations

from tests.chaos.site import Site
from tests.e2e import faults
from tests.e2e.conftest import visitors

DEPLOYS = 20
NAMED = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name"}


def test_twenty_deploys_at_once_make_one_release(production: Site) -> None:
    """The whole command twenty times: one ends with 0 and serves, the others with 40 and its name; nobody notices."""
    before = production.status()
    faults.change_backend(production.checkout)
    known = {line["release"] for line in production.inv("history", "--json").json}
    people = [f"racer-{number:02}" for number in range(DEPLOYS)]
    with visitors(before["url"]) as seen:
        running = {name: production.begin("deploy", env={**NAMED, "GIT_CONFIG_VALUE_0": name}) for name in people}
        ran = {name: one.end() for name, one in running.items()}
    codes = {name: one.code for name, one in ran.items()}
    winners = [name for name, code in codes.items() if code == 0]
    now = production.status()
    made = {line["release"] for line in production.inv("history", "--json").json} - known

    assert [0, *[40] * (DEPLOYS - 1)] == sorted(codes.values()), {name: ran[name].stderr[-500:] for name in people}
    (winner,) = winners
    assert [] == [name for name in people if name != winner and f"{winner} <" not in ran[name].stderr]
    assert ({now["release"]}, True, None, None) == (made, now["healthy"], now["lock"], now["in_progress"])
    assert before["release"] != now["release"]
    assert {"200"} == set(seen)
