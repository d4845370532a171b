""".env.local -> DevSettings: what a developer may choose about `inv dev`. `.env.example` explains every key.

Read by python-dotenv, so that quotes, comments and `export` mean what they mean everywhere else; its parser, unlike its
`load_dotenv`, says on which line each key stands and takes nothing into our own environment. `${…}` is not expanded.
"""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from deployer.errors import ConfigError
from deployer.model import Secret

if TYPE_CHECKING:
    from pydantic import BaseModel

EXAMPLE = ".env.example"
FILE = ".env.local"
_ATTEMPTED = "read the settings of local development"
_KEYS = ("DEV_PORT", "DEV_DATABASE", "LIVE_RELOAD", "RATE_LIMIT_PER_MINUTE", "API_TOKEN", "BASIC_AUTH")
_NONE = Secret("")


@dataclass(frozen=True, slots=True)
class DevSettings:
    """What .env.local says. `api_token` and `basic_auth` are empty when it says nothing."""

    port: int = 5173
    database: str = "indivillage_local"
    live_reload: bool = True
    rate_limit_per_minute: int = 1000
    api_token: Secret = _NONE
    basic_auth: Secret = _NONE


@dataclass(frozen=True, slots=True)
class _Entry:
    line: int
    value: str


def load(root: Path, say: Callable[[str], None]) -> DevSettings:
    """Read `root`/.env.local, copied from .env.example when it is missing. Raises ConfigError (file, line, key)."""
    path = root / FILE
    try:
        if not path.exists():
            shutil.copyfile(root / EXAMPLE, path)
            say(f"made {FILE} from {EXAMPLE}: settings of your own go there")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _wrong(line, "not UTF-8", f"save it as UTF-8, or copy {EXAMPLE} anew") from None
    except OSError as error:
        seen = f"{error.filename}: {error.strerror}"
        raise ConfigError(_ATTEMPTED, seen, f"{FILE} is a copy of {EXAMPLE}, in the checkout's folder") from error
    return parse(text)


def parse(text: str) -> DevSettings:
    """The settings in the text of a .env.local. Raises ConfigError.

    >>> parse("DEV_PORT=8000").port
    8000
    >>> parse("DEV_PROT=8000")
    Traceback (most recent call last):
    deployer.errors.ConfigError: read the settings of local development: .env.local, line 1: DEV_PROT is not known
    """
    entries = _entries(text)
    values = {key: entry.value for key, entry in entries.items() if entry.value}
    checked = _checked(values, entries)
    fields = checked.model_dump()
    api_token, basic_auth = (Secret(fields.pop(name)) for name in ("api_token", "basic_auth"))
    return DevSettings(**fields, api_token=api_token, basic_auth=basic_auth)


def _entries(text: str) -> Mapping[str, _Entry]:
    """Key -> line and value. Raises ConfigError for the first line that is not KEY=value, unknown or said twice."""
    from dotenv.parser import parse_stream

    found: dict[str, _Entry] = {}
    for binding in parse_stream(StringIO(text)):
        said = binding.original.string
        # An entry's text begins with the blank lines before it.
        line = binding.original.line + said[: len(said) - len(said.lstrip())].count("\n")
        key = binding.key
        if binding.error or (key is not None and binding.value is None):
            shown = key or said.strip().partition("=")[0][:40]
            hint = "a value with a quote or # in it needs quotes"
            raise _wrong(line, f"{shown!r} is not of the form KEY=value", hint)
        if key is None:
            continue  # a comment
        if key not in _KEYS:
            near = difflib.get_close_matches(key.upper(), _KEYS, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(_KEYS)}"
            raise _wrong(line, f"{key} is not known", hint)
        if key in found:
            raise _wrong(line, f"{key} stands on line {found[key].line} already", "keep one of them")
        found[key] = _Entry(line, (binding.value or "").strip())
    return found


def _checked(values: Mapping[str, str], entries: Mapping[str, _Entry]) -> BaseModel:
    from pydantic import BaseModel, ConfigDict, Field, ValidationError

    defaults = DevSettings()

    class Values(BaseModel):
        model_config = ConfigDict(frozen=True)

        port: Annotated[int, Field(ge=1024, le=65535)] = defaults.port
        database: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = defaults.database
        live_reload: bool = defaults.live_reload
        rate_limit_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = defaults.rate_limit_per_minute
        api_token: Annotated[str, Field(min_length=16)] = ""
        basic_auth: Annotated[str, Field(pattern=r"^[^:]+:.+$")] = ""

    # Keys without a prefix of ours are named as the application names them.
    names = {key: key.removeprefix("DEV_").lower() for key in values}
    try:
        return Values.model_validate({names[key]: value for key, value in values.items()})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = next(key for key, name in names.items() if name == problem["loc"][0])
        secret = key in ("API_TOKEN", "BASIC_AUTH")
        seen = f"{key} {'' if secret else f'is {values[key]!r:.60}: '}{problem['msg'][:1].lower()}{problem['msg'][1:]}"
        raise _wrong(entries[key].line, seen, f"{EXAMPLE} explains every key") from None


def _wrong(line: int, seen: str, hint: str) -> ConfigError:
    return ConfigError(_ATTEMPTED, f"{FILE}, line {line}: {seen}", hint)
