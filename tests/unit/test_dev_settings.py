""".env.local: every mistake is told by file, line and key, and .env.example says what the defaults are."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer import dev_settings
from deployer.dev_settings import DevSettings, load, parse
from deployer.errors import ConfigError
from deployer.model import Secret
from tests.examples import ROOT


def test_the_example_says_the_defaults_and_explains_every_key() -> None:
    """A copy of it changes nothing; each key stands below a comment."""
    text = (ROOT / dev_settings.EXAMPLE).read_text(encoding="utf-8")
    lines = text.splitlines()
    keys = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]

    assert DevSettings() == parse(text)
    assert list(dev_settings._KEYS) == keys
    assert all(lines[lines.index(line) - 1].startswith("# ") for line in lines if line.partition("=")[0] in keys)


def test_a_missing_file_is_made_from_the_example_and_said(tmp_path: Path) -> None:
    """Once; the second time it is there."""
    (tmp_path / ".env.example").write_text("DEV_PORT=6000\n", encoding="utf-8")
    said: list[str] = []

    assert 6000 == load(tmp_path, said.append).port == load(tmp_path, said.append).port
    assert (1, "DEV_PORT=6000\n") == (len(said), (tmp_path / ".env.local").read_text(encoding="utf-8"))


def test_a_file_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    """No example is needed then."""
    (tmp_path / ".env.local").write_text("export LIVE_RELOAD=no # hm\nBASIC_AUTH='a:b # c'\n", encoding="utf-8")
    said: list[str] = []

    settings = load(tmp_path, said.append)

    assert (False, Secret("a:b # c"), []) == (settings.live_reload, settings.basic_auth, said)


@pytest.mark.parametrize(
    ("text", "seen", "hint"),
    [
        ("DEV_PROT=1", "line 1: DEV_PROT is not known", "did you mean DEV_PORT?"),
        ("\n# a\n\nQQQ=1", "line 4: QQQ is not known", "known are DEV_PORT, "),
        ("DEV_PORT", "line 1: 'DEV_PORT' is not of the form KEY=value", "needs quotes"),
        ("# a\nfoo bar\n", "line 2: 'foo bar' is not of the form KEY=value", "needs quotes"),
        ("API_TOKEN='secret\n", "line 1: 'API_TOKEN' is not of the form KEY=value", "needs quotes"),
        ("DEV_PORT=1024\n\nDEV_PORT=1025\n", "line 3: DEV_PORT stands on line 1 already", "keep one"),
        ("DEV_PORT=abc", "line 1: DEV_PORT is 'abc': input should be a valid integer", ".env.example"),
        ("\nDEV_PORT=80", "line 2: DEV_PORT is '80': input should be greater than", ".env.example"),
        ("DEV_PORT=99999", "line 1: DEV_PORT is '99999': input should be less than", ".env.example"),
        ("DEV_DATABASE=a;drop", "line 1: DEV_DATABASE is 'a;drop': string should match", ".env.example"),
        ("LIVE_RELOAD=maybe", "line 1: LIVE_RELOAD is 'maybe': input should be a valid boolean", ".env.example"),
        ("RATE_LIMIT_PER_MINUTE=0", "line 1: RATE_LIMIT_PER_MINUTE is '0'", ".env.example"),
        ("BASIC_AUTH=nocolon", "line 1: BASIC_AUTH string should match", ".env.example"),
    ],
)
def test_a_mistake_names_file_line_and_key(text: str, seen: str, hint: str) -> None:
    """Exit code 2, one message, and what to do."""
    with pytest.raises(ConfigError) as caught:
        parse(text)

    assert (2, True, True) == (
        caught.value.exit_code,
        caught.value.seen.startswith(f".env.local, {seen}"),
        hint in caught.value.hint,
    ), (caught.value.seen, caught.value.hint)


@pytest.mark.parametrize(
    "text", ["API_TOKEN=hunter2", "BASIC_AUTH=hunter2", "API_TOKEN='hunter2", 'BASIC_AUTH="hunter2']
)
def test_a_secret_is_not_quoted_back(text: str) -> None:
    """Messages end up in issue trackers."""
    with pytest.raises(ConfigError) as caught:
        parse(text)

    assert "hunter2" not in f"{caught.value} {caught.value.hint} {caught.value.details}"
    assert "hunter2" not in repr(parse("API_TOKEN=hunter2hunter2hunter2"))


def test_what_is_no_text_says_where(tmp_path: Path) -> None:
    """The line of the first byte that is not UTF-8."""
    (tmp_path / ".env.local").write_bytes(b"DEV_PORT=5000\n# \xff\n")
    with pytest.raises(ConfigError, match="line 2: not UTF-8"):
        load(tmp_path, print)


def test_a_missing_example_is_no_traceback(tmp_path: Path) -> None:
    """A checkout that lost it."""
    with pytest.raises(ConfigError, match="example: No such file"):
        load(tmp_path, print)
