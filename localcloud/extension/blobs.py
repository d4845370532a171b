"""Image layers of the registry as files: MiniStack keeps them in memory and in one JSON file, base64, all together.

One store for all repositories, because a digest names one content for ever: a layer that the backend's repository has
need not be pushed again for the frontend's.
"""

import re
import tempfile
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from localcloud.extension.emulator import replace

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Blobs(MutableMapping[str, bytes]):
    """Digest -> content, each a file of FOLDER named by its digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _path(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise KeyError(digest)
        return self._folder / digest.removeprefix("sha256:")

    def __getitem__(self, digest: str) -> bytes:
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            raise KeyError(digest) from None

    def __setitem__(self, digest: str, content: bytes) -> None:
        path = self._path(digest)
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            file.write(content)
        Path(file.name).replace(path)  # a killed cloud must not leave half a layer under a whole one's name

    def __delitem__(self, digest: str) -> None:
        self._path(digest).unlink(missing_ok=True)

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, str) and bool(DIGEST.fullmatch(digest)) and self._path(digest).exists()

    def __iter__(self) -> Iterator[str]:
        return (f"sha256:{path.name}" for path in self._folder.iterdir() if len(path.name) == 64)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Layers:
    """Stands where MiniStack has repository name -> {digest: content}: every repository sees the same blobs."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def get(self, _repository: str, _default: Any = None) -> Blobs:
        """The blobs, whatever the repository."""
        return self._blobs

    setdefault = get

    def update(self, _restored: Any) -> None:
        """Nothing to restore: the files are the state."""

    def clear(self) -> None:
        """Forget every layer."""
        self._blobs.clear()

    def __deepcopy__(self, _memo: Any) -> dict[str, Any]:
        return {}  # what MiniStack would save: nothing


def install(ecr: Any, folder: Path) -> None:
    """Keep the layers of MiniStack's ECR module under FOLDER."""
    replace(ecr, "_layer_blobs", Layers(Blobs(folder)))
