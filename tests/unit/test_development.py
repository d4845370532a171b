"""`inv dev` against a site of fakes: what an edit does, what a failure does, and that nothing is left at the end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from deployer import development
from deployer.dev_settings import DevSettings
from deployer.errors import GateFailed, InputError, Interrupted, Locked, Unreachable
from deployer.model import BuiltImage
from deployer.stop import Stop
from deployer.tools import file_lock
from tests.examples import COMMIT, NOW, TOPOLOGY

APP = "docker/backend/app/main.py"
PAGE = "docker/frontend/site/pages/home.html"
MIGRATION = "docker/backend/migrations/versions/0002.py"
NGINX = "docker/frontend/nginx/nginx.conf"


@dataclass
class FakeSite:
    """All that `inv dev` stands on. It remembers what it was asked for, and fails where it is told to."""

    left: tuple[str, ...] = ()
    done: list[str] = field(default_factory=list)
    failing: dict[str, Exception] = field(default_factory=dict)
    end: tuple[str, tuple[str, ...]] | None = None
    whole: bool = False
    before: Callable[[str], None] = lambda _: None
    served: Path = Path("/served")

    def _do(self, what: str) -> None:
        self.done.append(what)
        self.before(what)
        if what in self.failing:
            raise self.failing.pop(what)

    # as DevSite
    def containers(self) -> FakeSite:
        return self

    def pages(self, _: DevSettings) -> SimpleNamespace:
        return SimpleNamespace(
            build=lambda: self._do("pages"), backend_changed=lambda: self._do("reload"), served=self.served
        )

    def deployed(self, _: object) -> object:
        self._do("deployed")
        return TOPOLOGY

    def variables(self, *_: object) -> Mapping[str, Mapping[str, str]]:
        return {"backend": {}, "frontend": {}}

    def build(self, service: str, *_: object) -> BuiltImage:
        self._do(f"build {service}")
        return BuiltImage(service, f"{service}:1", "sha256:1", 1, cached=True)

    # as DevContainers
    @property
    def complete(self) -> bool:
        return self.whole

    def clean_up(self) -> tuple[str, ...]:
        self.done.append("clean up")
        left, self.left = self.left, ("frontend", "backend")
        return left

    def migrate(self, *_: object) -> None:
        self._do("migrate")

    def serve(self, *_: object) -> None:
        self.whole = False
        self._do("serve")
        self.whole = True

    def restart_backend(self) -> None:
        self._do("restart")

    def ended(self) -> tuple[str, tuple[str, ...]] | None:
        return self.end

    def lines(self, _: str) -> Iterator[str]:
        return iter(())


Run = Callable[..., int]


@pytest.fixture
def site() -> FakeSite:
    return FakeSite()


@pytest.fixture
def dev(site: FakeSite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, signal_defaults: None) -> Run:
    """Run `inv dev` through these changes; after the last one somebody presses Ctrl-C."""

    def run(*changes: str, then: Callable[[], None] | None = None) -> int:
        def watched(_: object, over: Callable[[], bool]) -> Iterator[frozenset[Path]]:
            yield frozenset()
            for change in changes:
                yield frozenset({tmp_path / change} if change else ())
            (then or (lambda: os.kill(os.getpid(), signal.SIGINT)))()
            while not over():
                yield frozenset()

        monkeypatch.setattr(development.watch, "changes", watched)
        return development.dev()

    commit = SimpleNamespace(sha=COMMIT, committed_at=NOW)
    monkeypatch.setattr(development, "ROOT", tmp_path)
    monkeypatch.setattr(development, "dev_site", lambda *_: site)
    monkeypatch.setattr(development, "stop_for_run", Stop)
    monkeypatch.setattr(development, "Git", lambda _: SimpleNamespace(commit=lambda: commit))
    monkeypatch.setattr(development, "can_bind", lambda _: True)
    monkeypatch.setattr(development, "answers", lambda _: True)
    (tmp_path / ".env.local").write_text("", encoding="utf-8")
    return run


UP = ["clean up", "deployed", "build backend", "build frontend", "migrate", "pages", "serve"]


def test_it_comes_up_and_ctrl_c_leaves_nothing(site: FakeSite, dev: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The URL is the answer on stdout; 130 as for everything that is interrupted."""
    assert 130 == dev()
    told = capsys.readouterr()

    assert ("http://127.0.0.1:5173\n", True) == (told.out, "2 containers removed" in told.err)
    assert sorted([*UP, "clean up"]) == sorted(site.done)
    assert ("clean up", "serve", "clean up") == (site.done[0], site.done[-2], site.done[-1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_ways_to_say_stop(site: FakeSite, dev: Run, number: signal.Signals) -> None:
    """A closed window, a service manager."""
    assert 130 == dev(then=lambda: os.kill(os.getpid(), number))
    assert "clean up" == site.done[-1]


@pytest.mark.parametrize(
    ("change", "done"),
    [
        (APP, ["restart", "reload"]),
        (PAGE, ["pages"]),
        (MIGRATION, ["migrate", "restart", "reload"]),
        (NGINX, ["build backend", "build frontend", "migrate", "pages", "serve", "reload"]),
        ("docker/backend/requirements.txt", ["build backend", "build frontend", "migrate", "pages", "serve", "reload"]),
        ("docker/frontend/build_site.py", ["pages"]),
        ("", []),
    ],
)
def test_a_change_does_what_it_asks_for_and_no_more(site: FakeSite, dev: Run, change: str, done: list[str]) -> None:
    """What is baked into an image needs a new one; the rest is mounted."""
    dev(change)

    after = site.done[site.done.index("serve") + 1 : -1]
    assert sorted(done) == sorted(after)
    assert [what for what in done if not what.startswith("build")] == [w for w in after if not w.startswith("build")]


def test_an_edit_is_told_with_its_file(dev: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Which file, what was done, how long it took."""
    dev(APP)

    assert "main.py: backend restarted in 0.0 s" in capsys.readouterr().err


@pytest.mark.parametrize(("change", "step"), [(PAGE, "pages"), (MIGRATION, "migrate"), (APP, "restart")])
def test_a_mistake_is_told_and_the_next_change_is_another_chance(
    site: FakeSite, dev: Run, capsys: pytest.CaptureFixture[str], change: str, step: str
) -> None:
    """A typo must not end the afternoon."""
    seen: list[int] = []

    def fail_second(what: str) -> None:
        if what == step:
            seen.append(1)
        if what == step and len(seen) == (1 if step == "restart" else 2):
            raise GateFailed("try", "a typo")

    site.before = fail_second

    assert 130 == dev(change, change)
    assert "error: try: a typo" in capsys.readouterr().err
    assert site.done.count(step) == (2 if step == "restart" else 3)


def test_a_replacement_that_failed_half_way_is_made_whole(site: FakeSite, dev: Run) -> None:
    """Whatever is changed next."""
    times: list[int] = []

    def fail_second(what: str) -> None:
        if what == "serve":
            times.append(1)
            if len(times) == 2:
                raise Unreachable("start", "no space left")

    site.before = fail_second
    dev(NGINX, PAGE)

    assert (3, True) == (site.done.count("serve"), site.whole)


def test_a_backend_that_ends_is_told_once(site: FakeSite, dev: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Not five times a second."""

    def crash(what: str) -> None:
        if what == "serve":
            site.end = ("the backend ended with exit code 1", ())

    site.before = crash
    dev("", "", "")

    assert 1 == capsys.readouterr().err.count("the backend ended with exit code 1")


def test_a_backend_that_ends_at_once_says_why(site: FakeSite, dev: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 10, with its last words."""
    monkeypatch.setattr(development, "answers", lambda _: False)
    site.end = ("the backend ended with exit code 1", ("SyntaxError",))
    with pytest.raises(GateFailed, match="exit code 1") as caught:
        dev()

    assert (("SyntaxError",), "clean up") == (caught.value.details, site.done[-1])


def test_a_backend_that_never_answers_is_given_up(site: FakeSite, dev: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs, but does not answer in time."""
    monkeypatch.setattr(development, "answers", lambda _: False)
    monkeypatch.setattr(development, "READY_TIMEOUT_S", 0.0)
    with pytest.raises(GateFailed, match="does not answer"):
        dev()

    assert "clean up" == site.done[-1]


def test_a_failure_at_the_start_leaves_nothing(site: FakeSite, dev: Run) -> None:
    """It goes up with its own log, or gets one where all failures do."""
    site.failing["deployed"] = InputError("use dev", "it was never deployed", "inv deploy --env=dev")
    with pytest.raises(InputError, match="never deployed"):
        dev()

    assert "clean up" == site.done[-1]


def test_ctrl_c_while_it_comes_up_ends_between_two_steps(
    site: FakeSite, dev: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is started any more."""
    stop = Stop()
    monkeypatch.setattr(development, "stop_for_run", lambda: stop)

    def press(what: str) -> None:
        if what == "deployed":
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.event.wait(10)

    site.before = press

    assert 130 == dev()
    assert ["clean up", "deployed", "clean up"] == site.done


def test_a_second_ctrl_c_does_not_cut_off_the_cleaning_up(
    site: FakeSite, dev: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who presses twice wants it to end, and to find nothing left."""
    clean_up = site.clean_up

    def pressed_again() -> tuple[str, ...]:
        if site.whole:
            os.kill(os.getpid(), signal.SIGINT)
        return clean_up()

    monkeypatch.setattr(site, "clean_up", pressed_again)

    assert 130 == dev()
    assert "clean up" == site.done[-1]


def test_a_taken_port_is_told_before_anything_starts(site: FakeSite, dev: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2: .env.local chose it."""
    monkeypatch.setattr(development, "can_bind", lambda _: False)
    with pytest.raises(InputError, match="5173 is taken"):
        dev()

    assert ["clean up", "clean up"] == site.done


def test_what_a_killed_run_left_is_removed_first(site: FakeSite, dev: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """And said."""
    site.left = ("old-backend",)
    dev()

    assert "removed what an earlier inv dev left: old-backend" in capsys.readouterr().err


def test_there_is_one_in_a_checkout(site: FakeSite, dev: Run, tmp_path: Path) -> None:
    """Exit 40; the other one's containers are left alone."""
    with file_lock.held_or_not(tmp_path / ".cache" / "dev.lock") as ours:
        assert ours
        with pytest.raises(Locked) as caught:
            dev()

    assert (40, []) == (caught.value.exit_code, site.done)


def test_a_bug_leaves_nothing_either(site: FakeSite, dev: Run) -> None:
    """It goes up as it is, for its traceback."""
    site.failing["migrate"] = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        dev()

    assert "clean up" == site.done[-1]


def test_answers_says_no_when_nobody_listens() -> None:
    """A closed port is no answer and no error."""
    assert not development.answers(1)


def test_interrupted_is_not_told_as_an_error(dev: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C is how it is meant to end."""
    dev()

    assert "error" not in capsys.readouterr().err
    assert 130 == Interrupted.exit_code
