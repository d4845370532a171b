"""The `inv` that ./scripts/inv runs: Invoke's own program, with our exit codes for what is mistyped or interrupted.

Invoke ends with 1 for a task or flag that it does not know, which here means a bug. And Ctrl-C before a command has
begun is 130, as it is afterwards.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable

from invoke import __version__
from invoke.exceptions import Exit, ParseError
from invoke.program import Program

from deployer import console
from deployer.errors import InputError, Interrupted

ALONE = "dev"
"""A command that shares its name with an environment: `inv deploy dev` must not deploy and then serve."""


class Inv(Program):
    """Parses as Invoke does; what cannot be parsed is an InputError that names what is near."""

    def parse_core(self, argv: list[str] | None) -> None:
        """Read what stands before the first task."""
        self._read(lambda: super(Inv, self).parse_core(argv))
        # Invoke turns bytecode off: every command would compile all of our modules anew.
        sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))

    def parse_collection(self) -> None:
        """Load tasks.py."""
        self._read(super().parse_collection)

    def parse_tasks(self) -> None:
        """Read tasks and their flags."""
        self._read(super().parse_tasks)
        names = [str(context.name) for context in self.tasks]
        if ALONE in names and len(names) > 1:
            others = ", ".join(name for name in names if name != ALONE) or ALONE
            seen = f"'{ALONE}' beside {others}: it is a command of its own and serves the site until Ctrl-C"
            console.failure(InputError("read the command line", seen, f"did you mean --env={ALONE}?"))
            raise Exit(code=InputError.exit_code)

    def parse_cleanup(self) -> None:
        """Answer --list and --help."""
        self._read(super().parse_cleanup)

    def list_flat(self) -> None:
        """`inv --list` as a table of contents: the headings of tasks.py instead of one list by name."""
        contents = self.collection.configuration().get("contents") if not self.list_root else None
        if not contents:
            super().list_flat()
            return
        pairs = dict(self._make_pairs(self.scoped_collection))
        width = max(map(len, pairs))
        for heading, names in contents.items():
            console.answer(f"{heading}:")
            for name in names:
                for task in (n for n in pairs if n == str(name).replace("_", "-") or n.startswith(f"{name}.")):
                    console.answer(f"  {task:<{width}}  {pairs[task] or ''}")
            console.answer("")
        console.answer("ENV is --env=dev, staging or prod. inv COMMAND --help explains every flag.")

    def _read(self, parse: Callable[[], None]) -> None:
        try:
            parse()
        except ParseError as error:
            console.failure(self._mistake(error))
            raise Exit(code=InputError.exit_code) from None
        except KeyboardInterrupt:
            raise Exit(code=Interrupted.exit_code) from None

    def _mistake(self, error: ParseError) -> InputError:
        # Invoke names a flag as <Argument: env (e)>.
        seen = re.sub(r"<Argument: (\w+).*?>", lambda named: f"--{named[1].replace('_', '-')}", str(error))
        word = seen.split("'")[1] if seen.count("'") > 1 else ""
        context = getattr(error, "context", None)
        task = getattr(context, "name", None) or ""
        flag = word.startswith("-") and context is not None
        known = [*context.flags, *context.inverse_flags] if flag else self._names()  # type: ignore[union-attr]
        near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
        everything = f"inv {task} --help" if task else "inv --list"
        meant = f"did you mean {near[0]}? " if near else ""
        hint = f"{meant}`{everything}` shows all there is"
        return InputError("read the command line", seen[:1].lower() + seen[1:].rstrip("!"), hint)

    def _names(self) -> list[str]:
        collection = getattr(self, "collection", None)
        return list(collection.task_names) if collection else []


def main() -> None:
    """Run it on this process's arguments."""
    # The completion scripts call and complete the first of `binary_names`, and there is no scripts/invoke.
    Inv(name="Invoke", binary="inv", binary_names=["inv"], version=__version__).run()


if __name__ == "__main__":
    main()
