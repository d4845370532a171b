"""Ways to break a run: an engine that goes away, a command that is signalled half way, and a look at what is left."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from .conftest import COMMAND_TIMEOUT_S, Checkout, Ran

MARK = "FAULTS_RUN"
"""Every process that a run starts inherits this variable, wherever it ends up in the process tree."""
GATE_S = "FAULTS_GATE_S"
"""Seconds that each gate of the prepared checkout takes."""
APPLY_S = "FAULTS_APPLY_S"
"""Seconds that Terraform takes over the one resource that each commit changes; what is no number makes it fail."""
ENGINE = "/var/run/docker.sock"

_GATES = f"""

# Gates of their own, with processes below them: what the checks say is tested elsewhere.
for name in ("lint", "types", "unit", "application", "scan"):
    nox.session(
        lambda session: session.run("python3", "-c", "import os, time; time.sleep(float(os.getenv('{GATE_S}', '0')))"),
        name=name,
        venv_backend="none",
    )
"""
_RESOURCE = f"""
# Something small that takes as long as a test wants it to.
resource "terraform_data" "faults" {{
  triggers_replace = ["0"]
  provisioner "local-exec" {{
    command = "sleep $${{{APPLY_S}:-0}}"
  }}
}}
"""
BUILDING = "RUN sleep 3"
"""What a run of the prepared checkout says while it builds the backend, for three seconds."""


def prepare(checkout: Checkout) -> None:
    """Commit gates that take no time, a slow step to the backend's build, and a resource that changes on demand."""
    noxfile = checkout.path / "noxfile.py"
    noxfile.write_text(noxfile.read_text(encoding="utf-8") + _GATES, encoding="utf-8")
    terraform = checkout.path / "infrastructure" / "terraform" / "faults.tf"
    terraform.write_text(_RESOURCE, encoding="utf-8")
    dockerfile = checkout.path / "docker/backend/Dockerfile"
    text, count = re.subn(r"(?m)^COPY app/ .*$", rf"\g<0>\n{BUILDING}", dockerfile.read_text(encoding="utf-8"))
    assert 1 == count, "docker/backend/Dockerfile copies app/ in another way"
    dockerfile.write_text(text, encoding="utf-8")
    checkout.git("add", "--all")
    checkout.commit("Faults to be found")


def change_backend(checkout: Checkout) -> str:
    """Commit one more line of the backend; its image has to be built anew."""
    file = checkout.path / "docker/backend/app/__init__.py"
    file.write_text(file.read_text(encoding="utf-8") + f"# {uuid.uuid4()}\n", encoding="utf-8")
    return checkout.commit("Change a line of the backend")


def change_infrastructure(checkout: Checkout) -> str:
    """Commit a change of the resource."""
    file = checkout.path / "infrastructure/terraform/faults.tf"
    text = re.sub(r'\["[^"]*"\]', f'["{uuid.uuid4()}"]', file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")
    return checkout.commit("Change the infrastructure")


class Running:
    """`./scripts/inv WORDS`, running in a session of its own, as on a terminal of its own."""

    def __init__(self, checkout: Checkout, *words: str, env: Mapping[str, str | None] | None = None) -> None:
        self.mark = uuid.uuid4().hex
        self._process = subprocess.Popen(
            ["./scripts/inv", *words],
            cwd=checkout.path,
            env=checkout.environment({"CI": None, **(env or {}), MARK: self.mark}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._said = threading.Condition()
        self._lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._silent: set[str] = set()
        self._readers = [threading.Thread(target=self._read, args=(name,), daemon=True) for name in self._lines]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str) -> None:
        for line in getattr(self._process, name):
            with self._said:
                self._lines[name].append(line)
                self._said.notify_all()
        with self._said:
            self._silent.add(name)
            self._said.notify_all()

    def until(self, pattern: str, timeout_s: float = 180) -> None:
        """Wait until a line on stderr matches; fails with all that was said when the command ends without it."""
        found = re.compile(pattern)
        with self._said:
            self._said.wait_for(
                lambda: any(map(found.search, self._lines["stderr"])) or "stderr" in self._silent,
                timeout_s,
            )
            assert any(map(found.search, self._lines["stderr"])), f"never said {pattern}:\n{self._told()}"

    def until_runs(self, *words: str, timeout_s: float = 180) -> None:
        """Wait until a process below the command has all `words` in its command line."""
        deadline = time.monotonic() + timeout_s
        while not any(all(word in command for word in words) for command in left(self.mark).values()):
            assert time.monotonic() < deadline, f"never ran {words}"
            assert self._process.poll() is None, f"ended before it ran {words}:\n{self._told()}"
            time.sleep(0.05)

    def ctrl_c(self) -> None:
        """What the terminal does: SIGINT to its foreground group."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)

    def signal(self, number: signal.Signals) -> None:
        """What `kill` does: a signal to the one process."""
        self._process.send_signal(number)

    def end(self) -> Ran:
        """Wait for its end."""
        try:
            self._process.wait(COMMAND_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"it does not end:\n{self._told()}") from None
        for reader in self._readers:
            reader.join(10)
        for stream in (self._process.stdout, self._process.stderr):
            if stream and not any(reader.is_alive() for reader in self._readers):
                stream.close()
        return Ran(self._process.returncode, "".join(self._lines["stdout"]), "".join(self._lines["stderr"]))

    def _told(self) -> str:
        return "".join(self._lines["stderr"])[-6000:]


def left(mark: str) -> dict[int, str]:
    """Process ids and command lines of all that runs with this mark in its environment, zombies left out."""
    found = {}
    for place in Path("/proc").iterdir():
        if not place.name.isdecimal():
            continue
        with suppress(OSError):
            if f"{MARK}={mark}".encode() in (place / "environ").read_bytes().split(b"\0"):
                found[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return {pid: command for pid, command in found.items() if command}


def nothing_left(mark: str, timeout_s: float = 20) -> dict[int, str]:
    """Wait until nothing with this mark runs any more; return what does after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while (still := left(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return still


class Relay:
    """A Docker Engine's socket that can be cut off: it hands everything on to the real one until `cut`.

    With `cut_at` it cuts itself as soon as a client has sent that.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / "docker.sock"
        self.cut_at = b""
        self._links: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to use it. In the user's home it is known to be a relay, so the cloud stays as it is."""
        return {"DOCKER_HOST": f"unix://{self.path}", "HOME": str(self.path.parent)}

    def cut(self) -> None:
        """Be gone: no new connection, and the old ones end where they are."""
        self.path.unlink(missing_ok=True)
        self._server.close()
        with self._lock:
            for link in self._links:
                with suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._link, args=(client,), daemon=True).start()

    def _link(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(ENGINE)
            with self._lock:
                self._links |= {client, engine}
            answers = threading.Thread(target=self._pump, args=(engine, client, False), daemon=True)
            answers.start()
            self._pump(client, engine, True)
            answers.join()
            with self._lock:
                self._links -= {client, engine}

    def _pump(self, source: socket.socket, sink: socket.socket, asks: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
                if asks and self.cut_at and self.cut_at in data:
                    self.cut()
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def relay() -> Iterator[Relay]:
    """A relay in a home of its own; a socket's path may be 107 bytes long, and pytest's folders are deep."""
    home = Path(tempfile.mkdtemp(prefix="relay-"))
    running = Relay(home)
    try:
        yield running
    finally:
        running.cut()
        shutil.rmtree(home, ignore_errors=True)
