"""What is left running when its parent was killed comes to its end, grandchildren too."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.tools.test_process import alive, wait_for

# A job of a script's background ignores SIGINT, and so would all that it starts.
pytestmark = pytest.mark.usefixtures("signal_defaults")

ROOT = Path(__file__).parents[3]
PARENT = """
import os, signal, sys
from pathlib import Path
from deployer.tools import process
script = sys.argv[2]
folder = Path(sys.argv[1])
watched = lambda _: (folder / "watched").touch()
ending = {"stop_signal": signal.SIGINT, "grace_s": GRACE}
process.run(["sh", "-c", script], cwd=folder, env=dict(os.environ), on_line=watched, **ending)
"""


BOTH = """
import os, signal, subprocess, sys, time
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, "both.py", "below"])
else:
    def asked(*_):
        open("asked", "w").write("asked\\n")
        raise SystemExit
    signal.signal(signal.SIGINT, asked)
open("pids", "a").write(f"{os.getpid()} ")
print("up", flush=True)
time.sleep(600)
"""


def started(folder: Path, script: str, grace_s: float) -> tuple[subprocess.Popen[bytes], list[int]]:
    """Start a parent whose child runs `script`, which writes two process ids to `pids` and prints a line.

    The line is heard once the guard knows of the child: a parent that is killed before leaves it alone.
    """
    program = PARENT.replace("GRACE", str(grace_s))
    parent = subprocess.Popen([sys.executable, "-c", program, str(folder), script], cwd=ROOT)
    pids = folder / "pids"
    wait_for(lambda: pids.exists() and len(pids.read_text(encoding="utf-8").split()) == 2)
    wait_for((folder / "watched").exists)
    return parent, [int(pid) for pid in pids.read_text(encoding="utf-8").split()]


def test_a_grandchild_ends_with_us(tmp_path: Path) -> None:
    """As pytest under nox: the kernel would have told nox alone. It is asked politely, and may finish."""
    (tmp_path / "both.py").write_text(BOTH, encoding="utf-8")
    parent, pids = started(tmp_path, f"exec {shlex.quote(sys.executable)} both.py", 10)

    parent.kill()
    parent.wait()

    wait_for(lambda: not any(map(alive, pids)))
    assert "asked\n" == (tmp_path / "asked").read_text(encoding="utf-8")


def test_who_is_deaf_is_killed(tmp_path: Path) -> None:
    """After its grace time, by SIGTERM and then SIGKILL."""
    script = "trap '' INT TERM; echo up; echo $$ >> pids; echo $$ >> pids; while :; do sleep 0.05; done"
    parent, pids = started(tmp_path, script, 0.2)

    parent.kill()
    parent.wait()

    wait_for(lambda: not alive(pids[0]))


def test_who_prints_is_not_cut_off_by_our_end(tmp_path: Path) -> None:
    """Terraform prints while it saves its state and gives up its lock: SIGPIPE would end it before."""
    script = "trap '' INT; echo up; echo $$ >> pids; echo $$ >> pids; sleep 1; echo saving; echo saved > saved"
    parent, pids = started(tmp_path, script, 20)

    parent.kill()
    parent.wait()

    wait_for(lambda: not alive(pids[0]))
    assert "saved\n" == (tmp_path / "saved").read_text(encoding="utf-8")


def test_a_guard_that_was_killed_is_replaced(tmp_path: Path) -> None:
    """What it watched is told to the next one."""
    program = (
        "from deployer.tools.guard import Guard; import os, signal, subprocess, time; from pathlib import Path\n"
        "p = subprocess.Popen(['sleep', '600'], start_new_session=True); g = Guard()\n"
        "g.watch(p.pid, signal.SIGTERM, 1, ())\n"
        "g._process.kill(); g._process.wait()\n"
        "g.forget(1 << 30)\n"
        f"Path({str(tmp_path / 'pids')!r}).write_text(f'{{p.pid}} {{g._process.pid}}')\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    pids = tmp_path / "pids"
    wait_for(lambda: pids.exists() and len(pids.read_text(encoding="utf-8").split()) == 2)
    parent.kill()
    parent.wait()

    wait_for(lambda: not any(alive(int(pid)) for pid in pids.read_text(encoding="utf-8").split()))


def test_who_has_ended_is_not_ended_again(tmp_path: Path) -> None:
    """A group that is done is forgotten: its number may be another's by then."""
    program = (
        "from deployer.tools.guard import Guard; import signal, subprocess;"
        "p = subprocess.Popen(['sleep', '600'], start_new_session=True, stdout=subprocess.DEVNULL); g = Guard();"
        "g.watch(p.pid, signal.SIGTERM, 1, ()); g.forget(p.pid); print(p.pid, g._process is not None)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    pid, told = done.stdout.split()

    assert "True" == told
    assert alive(int(pid))
    os.kill(int(pid), signal.SIGKILL)
