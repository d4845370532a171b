"""A program that has the terminal: its exit code is ours, Ctrl-C is its own."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from deployer.errors import Unreachable
from deployer.tools import foreground


@pytest.mark.parametrize(
    ("script", "code"), [("", 0), ("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_the_exit_code_is_passed_on(script: str, code: int) -> None:
    """A signal's as a shell would say it."""
    assert code == foreground.run([sys.executable, "-c", script], os.environ)


def test_ctrl_c_is_the_programs_to_answer(signal_defaults: None) -> None:
    """We go on waiting for it, and take Ctrl-C again afterwards; the program has not inherited our deafness."""
    script = "import os, signal; os.kill(os.getppid(), signal.SIGINT)\n"
    script += "raise SystemExit(signal.getsignal(signal.SIGINT) is not signal.default_int_handler)"

    code = foreground.run([sys.executable, "-c", script], os.environ)

    assert (0, signal.default_int_handler) == (code, signal.getsignal(signal.SIGINT))


def test_it_gets_our_streams(capfd: pytest.CaptureFixture[str]) -> None:
    """What it prints is the answer."""
    foreground.run([sys.executable, "-c", "print('42')"], os.environ)

    assert "42\n" == capfd.readouterr().out


def test_a_missing_program_says_how_to_get_it() -> None:
    """Exit code 30."""
    with pytest.raises(Unreachable, match="there is no program no-such-program") as caught:
        foreground.find("no-such-program", os.environ, "enter", "install it")

    assert (30, "install it") == (caught.value.exit_code, caught.value.hint)
