"""The one door to MiniStack's modules, which have no types and are not installed on the host.

The extension replaces private functions, so it is tied to one version of MiniStack and says so at once.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any

PINNED = "1.5.33"


def module(name: str) -> Any:
    """MiniStack's module NAME, such as ``services.alb``; imported on first use, as MiniStack does itself."""
    return import_module(f"ministack.{name}")


def replace(owner: Any, name: str, function: Any) -> Any:
    """Put FUNCTION in the place of OWNER's NAME and return what was there.

    Raises AttributeError when there was nothing: then this extension does not fit this MiniStack.
    """
    before = getattr(owner, name)
    setattr(owner, name, function)
    table = getattr(owner, "_ACTION_MAP", {})
    for action, handler in list(table.items()):
        if handler is before:
            table[action] = function
    return before


def require_pinned() -> None:
    """Raise RuntimeError unless the installed MiniStack is the one this extension was written and tested against."""
    installed = version("ministack")
    if installed != PINNED:
        raise RuntimeError(f"the extension was written for MiniStack {PINNED}, but {installed} is installed")
