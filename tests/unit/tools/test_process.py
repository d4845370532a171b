"""Child processes end with us, tell what they said, and keep secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from deployer.errors import InputError, Interrupted, Unreachable
from deployer.model import Secret
from deployer.tools import process

ENV = {"PATH": os.environ["PATH"]}
pytestmark = pytest.mark.usefixtures("signal_defaults")


def alive(pid: int) -> bool:
    """Say whether a process runs (a zombie does not)."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(condition: object, limit_s: float = 45.0) -> None:
    """Poll until `condition()` holds."""
    assert callable(condition)
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_success_is_ok(tmp_path: Path) -> None:
    """A program that says 0 is ok, and its last lines are at hand."""
    finished = process.run(["sh", "-c", "echo one; echo two >&2; printf three"], cwd=tmp_path, env=ENV)

    assert finished.ok
    assert ("one", "two", "three") == finished.tail


def test_failure_is_a_value(tmp_path: Path) -> None:
    """A non-zero exit is not an error of ours: the caller judges it."""
    finished = process.run(["sh", "-c", "exit 7"], cwd=tmp_path, env=ENV)

    assert not finished.ok
    assert 7 == finished.returncode


def test_tail_is_bounded_and_plain(tmp_path: Path) -> None:
    """Only the last lines are kept, without colors."""
    finished = process.run(
        ["sh", "-c", "for i in 1 2 3 4 5; do printf '\\033[31mline %s\\033[0m\\n' $i; done"],
        cwd=tmp_path,
        env=ENV,
        keep=2,
    )

    assert ("line 4", "line 5") == finished.tail


def test_log_holds_command_lines_and_exit(tmp_path: Path) -> None:
    """The log file tells the whole story, and is appended to."""
    log = tmp_path / "logs" / "x.log"
    process.run(["sh", "-c", "echo hello"], cwd=tmp_path, env=ENV, log=log)
    process.run(["sh", "-c", "exit 3"], cwd=tmp_path, env=ENV, log=log)

    text = log.read_text(encoding="utf-8")
    assert "$ sh -c echo hello\nhello\n# exit 0" in text
    assert "# exit 3" in text


def test_lines_arrive_while_it_runs(tmp_path: Path) -> None:
    """`on_line` is called as lines are printed: the program below waits for its effect."""
    go = tmp_path / "go"
    finished = process.run(
        ["sh", "-c", f"echo ready; while [ ! -e {go} ]; do sleep 0.02; done"],
        cwd=tmp_path,
        env=ENV,
        timeout_s=10,
        on_line=lambda line: go.touch() if line == "ready" else None,
    )

    assert finished.ok


def test_render_decides_what_is_kept(tmp_path: Path) -> None:
    """A renderer may rewrite lines or drop them."""
    finished = process.run(
        ["sh", "-c", "echo keep; echo drop"],
        cwd=tmp_path,
        env=ENV,
        render=lambda line: line.upper() if line == "keep" else None,
    )

    assert ("KEEP",) == finished.tail


def test_secrets_are_hidden_everywhere(tmp_path: Path) -> None:
    """A secret shows neither in the log, nor in the tail, nor to the listener."""
    log = tmp_path / "x.log"
    seen: list[str] = []
    finished = process.run(
        ["sh", "-c", "echo token=hunter2-long"],
        cwd=tmp_path,
        env=ENV,
        log=log,
        on_line=seen.append,
        secrets=[Secret("hunter2-long")],
    )

    assert ("token=***",) == finished.tail
    assert ["token=***"] == seen
    assert "hunter2-long" not in log.read_text(encoding="utf-8")


def test_capture_keeps_stdout_apart_and_unlogged(tmp_path: Path) -> None:
    """Captured stdout is data: whole, and not in the log."""
    log = tmp_path / "x.log"
    finished = process.run(["sh", "-c", "printf 'a\\nb'; echo warn >&2"], cwd=tmp_path, env=ENV, capture=True, log=log)

    assert "a\nb" == finished.output
    assert ("warn",) == finished.tail
    assert "a\nb" not in log.read_text(encoding="utf-8").split("\n", 1)[1]


def test_environment_is_exactly_what_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of our own environment leaks in."""
    monkeypatch.setenv("LEAK", "yes")
    finished = process.run(["sh", "-c", "echo [$LEAK$GIVEN]"], cwd=tmp_path, env=ENV)

    assert ("[]",) == finished.tail


def test_missing_program_says_what_to_install(tmp_path: Path) -> None:
    """A program that is not there is out of reach, and the hint says how to get it."""
    with pytest.raises(Unreachable) as caught:
        process.run(["no-such-program"], cwd=tmp_path, env=ENV, install="apt-get install it")

    assert "apt-get install it" == caught.value.hint


def test_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    """A working directory that is not there is told apart from a missing program."""
    with pytest.raises(InputError, match="No such file"):
        process.run(["true"], cwd=tmp_path / "nowhere", env=ENV)


def test_timeout_ends_the_whole_group(tmp_path: Path) -> None:
    """Past its time a program and its children are gone."""
    finished = process.run(["sh", "-c", "sleep 600 & echo $!; wait"], cwd=tmp_path, env=ENV, timeout_s=0.5)

    assert finished.timed_out
    assert not finished.ok
    wait_for(lambda: not alive(int(finished.tail[0])))


def test_deaf_program_is_killed_after_its_grace(tmp_path: Path) -> None:
    """A program that ignores polite signals is killed."""
    finished = process.run(
        ["sh", "-c", "trap '' TERM INT; echo $$; while :; do sleep 0.05; done"],
        cwd=tmp_path,
        env=ENV,
        timeout_s=0.3,
        grace_s=0.2,
    )

    assert finished.timed_out
    assert -signal.SIGKILL == finished.returncode


def test_last_words_are_read_while_it_ends(tmp_path: Path) -> None:
    """More than a pipe's worth of farewell does not block a graceful end."""
    script = "trap 'head -c 300000 /dev/zero | tr \"\\0\" x; echo; echo bye; exit 0' TERM; while :; do sleep 0.05; done"
    finished = process.run(["sh", "-c", script], cwd=tmp_path, env=ENV, timeout_s=0.3, grace_s=10)

    assert "bye" == finished.tail[-1]
    assert 0 == finished.returncode
    assert not finished.ok


def test_stop_signal_is_the_one_asked_for(tmp_path: Path) -> None:
    """Terraform, for one, wants SIGINT: SIGTERM would reach its providers and cut them off."""
    script = "trap 'echo int; exit 1' INT; trap 'echo term; exit 1' TERM; while :; do sleep 0.05; done"
    finished = process.run(["sh", "-c", script], cwd=tmp_path, env=ENV, timeout_s=0.3, stop_signal=signal.SIGINT)

    assert ("int",) == finished.tail


def test_stop_all_interrupts_a_run_in_another_thread(tmp_path: Path) -> None:
    """The runner ends programs that stages wait for, and the stage learns why."""
    caught: list[BaseException] = []
    ready = threading.Event()

    def stage() -> None:
        try:
            process.run(["sh", "-c", "echo up; sleep 600"], cwd=tmp_path, env=ENV, on_line=lambda _: ready.set())
        except Interrupted as error:
            caught.append(error)

    thread = threading.Thread(target=stage)
    thread.start()
    assert ready.wait(10)
    stopped = process.stop_all()
    thread.join(10)

    assert 1 == stopped
    assert 1 == len(caught)
    assert 0 == process.stop_all()


def test_programs_run_again_after_stop_all(tmp_path: Path) -> None:
    """Putting back may need programs: stopping is not for ever."""
    process.stop_all()

    assert process.run(["sh", "-c", "true"], cwd=tmp_path, env=ENV).ok


def test_exception_in_the_listener_ends_the_program(tmp_path: Path) -> None:
    """Whatever goes wrong on our side (Ctrl-C too), the child does not outlive it."""
    pids: list[int] = []

    def interrupted(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.run(["sh", "-c", "echo $$; sleep 600"], cwd=tmp_path, env=ENV, on_line=interrupted)

    wait_for(lambda: not alive(pids[0]))


def test_daemon_left_behind_does_not_hold_us(tmp_path: Path) -> None:
    """A background process that keeps the pipe open does not keep us waiting."""
    finished = process.run(["sh", "-c", "sleep 30 & echo $!"], cwd=tmp_path, env=ENV)
    os.kill(int(finished.tail[0]), signal.SIGKILL)

    assert finished.ok
    assert finished.duration_s < 10


def test_foreground_programs_speak_for_themselves(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Their output is the answer, on our own stdout and stderr."""
    script = "echo out; echo err >&2; exit 3"
    code = process.foreground(
        ["sh", "-c", script], cwd=tmp_path, env=ENV, log=tmp_path / "log", stop_signal=signal.SIGINT, grace_s=1
    )

    assert (3, ("out\n", "err\n")) == (code, tuple(capfd.readouterr()))


def test_foreground_programs_finish_what_they_hold_when_we_are_interrupted(tmp_path: Path) -> None:
    """SIGTERM to us alone becomes their own stop signal, and we wait until they have put things back."""
    child = "trap 'sleep 0.3; echo back > back; exit 1' INT; sleep 0.5; echo > up; while :; do sleep 0.05; done"
    program = (
        "import os, signal; from pathlib import Path; from deployer.tools import process; from deployer import stop\n"
        "with stop.as_interrupts():\n"
        f"  process.foreground(['sh', '-c', {child!r}], cwd=Path({str(tmp_path)!r}), env=dict(os.environ),"
        f" log=Path({str(tmp_path / 'log')!r}), stop_signal=signal.SIGINT, grace_s=20)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[3], stderr=subprocess.DEVNULL)
    wait_for((tmp_path / "up").exists)
    parent.terminate()
    parent.wait(20)

    assert "back\n" == (tmp_path / "back").read_text(encoding="utf-8")


def test_programs_of_several_threads_end_at_the_first_failure(tmp_path: Path) -> None:
    """Nobody waits for builds whose result nobody wants any more."""
    begun = time.monotonic()

    def work(script: str) -> None:
        assert process.run(["sh", "-c", script], cwd=tmp_path, env=ENV).ok, "it failed"

    with pytest.raises(AssertionError, match="it failed"):
        process.together(work, ["exit 1", "sleep 600"], 2)
    assert time.monotonic() - begun < 30


def test_together_answers_in_order(tmp_path: Path) -> None:
    """As `map` does."""
    answers = process.together(
        lambda word: process.run(["echo", word], cwd=tmp_path, env=ENV, capture=True).output, ["a", "b", "c"], 2
    )

    assert ["a\n", "b\n", "c\n"] == answers
