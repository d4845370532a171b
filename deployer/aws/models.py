"""botocore's descriptions of AWS's services, found without looking at all four hundred of them, and read quickly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

from deployer import memory

ENDINGS = (".json", ".json.gz")


class Condensed(JSONFileLoader):
    """Reads a description as botocore does, and keeps it in `folder` without its prose for the next time.

    Most of a description is documentation (59 to 78% of three), which only `help()` of a client would show. To unpack
    and to parse it takes 7 to 10 ms a service, what is kept 2 to 3 ms (measured).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_file(self, file_path: str) -> Any:
        """Return the description at `file_path`, which comes without its ending; None when there is none."""
        for ending in ENDINGS:
            try:
                seen = Path(file_path + ending).stat()
            except OSError:
                continue
            of = f"{file_path}{ending} {seen.st_size} {seen.st_mtime_ns}"
            place = memory.place_of(self._folder, of, Path(__file__))
            kept = memory.recall(place)
            if kept is None:
                kept = without_prose(super().load_file(file_path))
                memory.note(place, kept)
            return kept
        return None


def without_prose(described: Any) -> Any:
    """Return a description with empty texts; a member that is called `documentation` is no text.

    >>> without_prose({"members": {"documentation": {"shape": "Doc", "documentation": "<p>of</p>"}}})
    {'members': {'documentation': {'shape': 'Doc', 'documentation': ''}}}
    """
    if isinstance(described, dict):
        return {
            key: "" if key == "documentation" and isinstance(value, str) else without_prose(value)
            for key, value in described.items()
        }
    return [without_prose(value) for value in described] if isinstance(described, list) else described


class Models(Loader):
    """botocore's loader, but for how it knows which services there are.

    Before it opens a service's description botocore lists every service that has one, by 3,500 calls of the file
    system, and does so again for each kind of file: 15 ms of a command that uses three services. A service without the
    file that is asked for raises DataNotFoundError all the same, when it is opened.
    """

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore's signature
        """Every service with a folder, whether or not it has a file of this type."""
        folders = (Path(path) for path in self.search_paths)
        return sorted({place.name for folder in folders if folder.is_dir() for place in folder.iterdir()})
