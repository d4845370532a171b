"""scripts/engine and scripts/apt-install, called through scripts/inv: how a Docker Engine comes to answer."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.setup_machine import DOCKERD, SUDO, Machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine without an engine; one that a test starts is stopped."""
    with tempfile.TemporaryDirectory(prefix="inv-") as folder:
        made = Machine(Path(folder))
        yield made
        made.stop_engine()


def test_engine_that_answers_is_left_alone(machine: Machine) -> None:
    with machine.serve(machine.socket):
        done = machine.inv("deploy")

    assert done.returncode == 0
    assert machine.called("dockerd") == []


def test_installed_engine_is_started_in_the_background_with_a_log(machine: Machine) -> None:
    machine.standin("dockerd", DOCKERD)

    done = machine.inv("deploy")

    log = machine.folder / "home/.local/state/indivillage/dockerd.log"
    assert done.returncode == 0
    assert str(log) in done.stderr
    assert "API listen on" in log.read_text()


@pytest.mark.parametrize("home", ["gone", "/proc"])
def test_log_goes_elsewhere_when_home_cannot_hold_it(machine: Machine, home: str) -> None:
    machine.standin("dockerd", DOCKERD)

    done = machine.inv("deploy", HOME=str(machine.folder / home))

    assert done.returncode == 0
    assert "API listen on" in (machine.folder / "indivillage/dockerd.log").read_text()
    assert not (machine.folder / "gone").exists()


def test_background_engine_outlives_the_command(machine: Machine) -> None:
    machine.standin("dockerd", DOCKERD)
    machine.inv("deploy")
    pid = int(machine.pid_file.read_text())

    again = machine.inv("deploy")

    assert again.returncode == 0
    assert len(machine.called("dockerd")) == 1
    assert os.getsid(pid) == pid


def test_calls_at_once_start_one_daemon(machine: Machine) -> None:
    machine.standin("dockerd", DOCKERD)
    machine.inv("--list")
    calls = [machine.start("deploy") for _ in range(4)]

    ended = [(call.communicate(timeout=30), call.returncode)[1] for call in calls]

    assert ended == [0, 0, 0, 0]
    assert len(machine.called("dockerd")) == 1


def test_daemon_that_dies_is_reported_with_its_last_words(machine: Machine) -> None:
    machine.standin("dockerd", DOCKERD)

    done = machine.inv("deploy", DOCKERD_FAILS="yes")

    assert done.returncode == 30
    assert "no space left on device" in done.stderr


def test_systemd_is_asked_where_it_runs(machine: Machine) -> None:
    (machine.folder / "system").mkdir()
    machine.standin("dockerd", DOCKERD)
    machine.standin("systemctl", '#!/bin/sh\necho "systemctl $*" >> "$CALLS"\ndockerd > /dev/null 2>&1 < /dev/null &\n')

    done = machine.inv("deploy")

    assert done.returncode == 0
    assert machine.called("systemctl") == ["systemctl start docker.service"]
    assert "background" not in done.stderr


def test_debian_gets_its_own_engine_installed(machine: Machine) -> None:
    """Packages that this release does not know are left out; nothing can ask a question."""
    machine.debian()

    done = machine.inv("deploy")

    (install,) = machine.called("apt-get")
    assert done.returncode == 0
    assert "frontend=noninteractive" in install
    assert "--no-install-recommends docker.io" in install
    assert "mmdebstrap" in install
    assert "docker-cli" not in install


def test_stale_package_lists_are_updated_and_waited_for(machine: Machine) -> None:
    machine.debian()
    machine.mark("lists-locked")
    machine.remove("sleep")
    machine.standin("sleep", "#!/bin/sh\n")

    done = machine.inv("deploy", APT_STALE="yes")

    kinds = ["update" if "update" in call else "install" for call in machine.called("apt-get")]
    assert done.returncode == 0
    assert kinds == ["install", "update", "update", "install"]
    assert "waiting" in done.stderr


def test_other_systems_are_told_what_to_install(machine: Machine) -> None:
    done = machine.inv("deploy")

    assert done.returncode == 30
    assert "https://docs.docker.com/engine/install/" in done.stderr


def test_user_without_sudo_is_told_what_to_do(machine: Machine) -> None:
    machine.debian()
    machine.user()

    done = machine.inv("deploy")

    assert done.returncode == 30
    assert "root or passwordless sudo" in done.stderr
    assert machine.called("apt-get") == []


def test_user_with_passwordless_sudo_is_never_prompted(machine: Machine) -> None:
    machine.debian()
    machine.user()
    machine.standin("sudo", SUDO)

    done = machine.inv("deploy")

    assert done.returncode == 0
    assert "would prompt" not in done.stderr
    assert len(machine.called("apt-get")) == 1


def test_user_who_may_not_use_the_engine_joins_its_group_and_starts_over(machine: Machine) -> None:
    """The arguments reach the second start unharmed."""
    machine.user()
    machine.standin("sudo", SUDO)
    machine.standin("usermod", '#!/bin/sh\necho "usermod $*" >> "$CALLS"\n')
    machine.standin("sg", '#!/bin/sh\nrm "$CALLS.denied"\nexec sh -c "$3"\n')
    machine.mark("denied")

    with machine.serve(machine.socket):
        done = machine.inv("deploy", 'it\'s "é"')

    assert done.stdout.splitlines() == ["DOCKER_HOST=", "<deploy>", '<it\'s "é">']
    assert machine.called("usermod") == ["usermod -aG docker ada"]


def test_group_that_does_not_help_is_joined_once(machine: Machine) -> None:
    machine.user()
    machine.standin("sudo", SUDO)
    machine.standin("usermod", "#!/bin/sh\n")
    machine.standin("sg", '#!/bin/sh\nexec sh -c "$3"\n')
    machine.mark("denied")

    done = machine.inv("deploy")

    assert done.returncode == 30
    assert "log in again" in done.stderr


def test_docker_host_out_of_reach_is_named(machine: Machine) -> None:
    """Somebody chose it: no other engine is started in its place."""
    machine.standin("dockerd", DOCKERD)

    done = machine.inv("deploy", DOCKER_HOST="tcp://127.0.0.1:1")

    assert done.returncode == 30
    assert "DOCKER_HOST=tcp://127.0.0.1:1" in done.stderr
    assert machine.called("dockerd") == []


def test_engine_of_the_docker_context_is_used(machine: Machine) -> None:
    """Docker Desktop and rootless engines listen elsewhere; the Docker SDK only knows DOCKER_HOST."""
    elsewhere = machine.folder / "desktop.sock"
    machine.standin("docker", f'#!/bin/sh\n[ "$1 $2" = "context inspect" ] && echo "unix://{elsewhere}"\n')

    with machine.serve(elsewhere):
        done = machine.inv("deploy")

    assert done.stdout.splitlines()[0] == f"DOCKER_HOST=unix://{elsewhere}"


def test_only_a_daemon_that_this_run_started_is_handed_to_ci(machine: Machine) -> None:
    note = machine.folder / "started"
    note.touch()
    machine.standin("dockerd", DOCKERD)

    machine.inv("deploy", INV_STARTED_DOCKERD=str(note))
    first = note.read_text()
    note.write_text("")
    machine.inv("deploy", INV_STARTED_DOCKERD=str(note))

    assert first == machine.pid_file.read_text()
    assert note.read_text() == ""


def test_engine_is_stopped_by_the_process_id_that_runs_and_no_other(machine: Machine) -> None:
    machine.standin("dockerd", DOCKERD)
    machine.inv("deploy")
    pid = machine.pid_file.read_text()
    stop = [machine.checkout / "scripts" / "engine", "stop"]

    subprocess.run([*stop, str(os.getpid())], env=machine.environ, check=True)
    assert Path("/proc", pid).exists()
    subprocess.run([*stop, pid], env=machine.environ, check=True)

    assert not Path("/proc", pid).exists()
