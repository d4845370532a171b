"""The containers of `inv dev`: as locked down as deployed ones, on loopback only, and none is ever left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from deployer.errors import GateFailed, InputError, Unreachable
from deployer.tools.dev_containers import LABEL, DevContainers
from tests.unit.tools.containers import Containers

CLOUD = "indivillage-cloud-1"
VARIABLES: Mapping[str, Mapping[str, str]] = {
    "backend": {"PGDATABASE": "mine", "PGPASSWORD": "x"},
    "frontend": {"A": "1"},
}


@pytest.fixture
def engine() -> Containers:
    return Containers()


def dev(engine: Containers, root: Path) -> DevContainers:
    return DevContainers(engine, CLOUD, root)  # type: ignore[arg-type]


def serve(containers: DevContainers, root: Path) -> None:
    containers.serve("front:1", "back:1", root / "site", 5173, VARIABLES)


def test_both_are_served_on_loopback_only(engine: Containers, tmp_path: Path) -> None:
    """One port of 127.0.0.1; the backend shares the frontend's network and publishes nothing."""
    containers = dev(engine, tmp_path)
    serve(containers, tmp_path)
    front, back = engine.named(f"{CLOUD}-dev-frontend"), engine.named(f"{CLOUD}-dev-backend")

    assert {"8080/tcp": ("127.0.0.1", 5173)} == front.options["ports"]
    assert (CLOUD, f"container:{front.id}") == (front.options["network"], back.options["network_mode"])
    assert "ports" not in back.options
    assert "http://127.0.0.1:8081" == front.options["environment"]["BACKEND_URL"]
    assert ("8081", "x") == tuple(back.options["environment"][name] for name in ("PORT", "PGPASSWORD"))
    assert containers.complete


def test_sources_are_mounted_where_the_image_has_its_own(engine: Containers, tmp_path: Path) -> None:
    """Read-only, and read as their owner: a umask of 077 is no obstacle."""
    containers = dev(engine, tmp_path)
    serve(containers, tmp_path)
    front, back = engine.named(f"{CLOUD}-dev-frontend"), engine.named(f"{CLOUD}-dev-backend")
    mounts = {
        mount["Target"]: (mount["Source"], mount["ReadOnly"])
        for mount in front.options["mounts"] + back.options["mounts"]
    }

    assert {
        "/site": (str(tmp_path / "site"), True),
        "/app/app": (str(tmp_path / "docker/backend/app"), True),
        "/app/migrations": (str(tmp_path / "docker/backend/migrations"), True),
    } == mounts
    assert f"{os.getuid()}:{os.getgid()}" == back.options["user"]
    assert "user" not in front.options


def test_they_are_as_locked_down_as_tasks(engine: Containers, tmp_path: Path) -> None:
    """Read-only root, no capabilities, no way to get any; found by two labels."""
    containers = dev(engine, tmp_path)
    containers.migrate("back:1", VARIABLES["backend"])
    serve(containers, tmp_path)

    assert 3 == len(engine.made)
    for made in engine.made:
        assert (True, ["ALL"], ["no-new-privileges"]) == tuple(
            made.options[name] for name in ("read_only", "cap_drop", "security_opt")
        )
        assert {LABEL: CLOUD, "com.indivillage.localcloud": CLOUD} == made.labels


def test_the_database_is_made_and_migrated_by_a_container_that_goes(engine: Containers, tmp_path: Path) -> None:
    """In the cloud's network, with the source tree's migrations."""
    dev(engine, tmp_path).migrate("back:1", VARIABLES["backend"])
    (made,) = engine.made

    assert ([], CLOUD) == (engine.there, made.options["network"])
    assert "alembic upgrade head" in made.options["command"][-1]
    assert "x" not in made.options["command"]


def test_a_migration_that_fails_says_why(engine: Containers, tmp_path: Path) -> None:
    """Exit 10 with its last words, and nothing stays behind."""
    engine.codes[f"{CLOUD}-dev-one-off"] = 1
    with pytest.raises(GateFailed, match="migrate the database mine: it ended with exit code 1") as caught:
        dev(engine, tmp_path).migrate("back:1", VARIABLES["backend"])

    assert (("first", "last words"), []) == (caught.value.details, engine.there)


def test_whatever_an_earlier_run_left_goes_and_nothing_else(engine: Containers, tmp_path: Path) -> None:
    """Found by label: nobody remembers a run that was killed."""
    serve(dev(engine, tmp_path), tmp_path)
    engine.create("x", name="task", labels={"com.indivillage.localcloud": CLOUD})
    engine.create("x", name="other", labels={LABEL: "another"})

    assert (f"{CLOUD}-dev-backend", f"{CLOUD}-dev-frontend") == dev(engine, tmp_path).clean_up()
    assert ["task", "other"] == [one.name for one in engine.there]


def test_serving_again_replaces_both(engine: Containers, tmp_path: Path) -> None:
    """After an image was built anew."""
    containers = dev(engine, tmp_path)
    serve(containers, tmp_path)
    serve(containers, tmp_path)

    assert (4, 2) == (len(engine.made), len(engine.there))


def test_a_restart_does_not_wait(engine: Containers, tmp_path: Path) -> None:
    """A developer waits for the new code, not for the old code's connections."""
    containers = dev(engine, tmp_path)
    serve(containers, tmp_path)
    containers.restart_backend()

    assert ["start", "restart within 0 s"] == engine.named(f"{CLOUD}-dev-backend").history


@pytest.mark.parametrize(
    "said", ["Bind for 127.0.0.1:5173 failed: port is already allocated", "bind: address already in use"]
)
def test_a_taken_port_is_told_with_the_way_out(engine: Containers, tmp_path: Path, said: str) -> None:
    """The engine's words for it; exit 2, since .env.local chose the port."""
    engine.failing[f"{CLOUD}-dev-frontend"] = said
    with pytest.raises(InputError, match=r"127\.0\.0\.1:5173 is taken") as caught:
        serve(dev(engine, tmp_path), tmp_path)

    assert (2, True) == (caught.value.exit_code, "DEV_PORT" in caught.value.hint)


def test_an_engine_that_refuses_is_exit_30(engine: Containers, tmp_path: Path) -> None:
    """Anything else it says is passed on."""
    engine.failing[f"{CLOUD}-dev-frontend"] = "no space left on device"
    containers = dev(engine, tmp_path)
    with pytest.raises(Unreachable, match="no space left"):
        serve(containers, tmp_path)

    assert not containers.complete


def test_a_container_that_ended_is_noticed(engine: Containers, tmp_path: Path) -> None:
    """With its exit code and its last words; while both run there is nothing to say."""
    engine.codes[f"{CLOUD}-dev-backend"] = 3
    containers = dev(engine, tmp_path)
    serve(containers, tmp_path)
    assert containers.ended() is None
    engine.named(f"{CLOUD}-dev-backend").status = "exited"

    assert ("the backend ended with exit code 3", ("first", "last words")) == containers.ended()


def test_a_container_that_vanished_is_no_traceback(engine: Containers, tmp_path: Path) -> None:
    """`inv cloud.down` in another window takes them along."""
    containers = dev(engine, tmp_path)
    serve(containers, tmp_path)
    engine.there.clear()
    with pytest.raises(Unreachable):
        containers.ended()


def test_lines_come_whole(engine: Containers, tmp_path: Path) -> None:
    """However the engine cuts its stream."""
    containers = dev(engine, tmp_path)
    serve(containers, tmp_path)

    assert ["first", "last words"] == list(containers.lines("backend"))
    assert [] == list(containers.lines("nobody"))
