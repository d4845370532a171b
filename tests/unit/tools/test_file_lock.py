"""One at a time, and free again when its holder is gone."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

from deployer.errors import Interrupted
from deployer.tools import file_lock


def test_second_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []
    asking = Event()

    def second() -> None:
        asking.set()
        with file_lock.held(tmp_path / "new" / "lock"):
            order.append("second")

    with file_lock.held(tmp_path / "new" / "lock"):
        thread = Thread(target=second)
        thread.start()
        asking.wait(10)
        thread.join(0.2)
        order.append("first")
    thread.join(10)

    assert order == ["first", "second"]


def test_killed_holder_gives_it_back(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from deployer.tools import file_lock\n"
        "with file_lock.held(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()

    with file_lock.held(tmp_path / "lock"):
        pass


def test_who_waits_can_be_asked_to_stop(tmp_path: Path) -> None:
    """Ctrl-C does not have to wait until another run of this checkout has built its image."""
    ended: list[BaseException] = []

    def second() -> None:
        try:
            with file_lock.held(tmp_path / "lock"):
                pass
        except Interrupted as error:
            ended.append(error)

    with file_lock.held(tmp_path / "lock"):
        thread = Thread(target=second)
        thread.start()
        deadline = time.monotonic() + 10
        while not file_lock.stop_all():
            assert time.monotonic() < deadline
        thread.join(10)

    assert 1 == len(ended)
    assert 0 == file_lock.stop_all()
