"""A make-believe machine for scripts/inv: a checkout, and a PATH that holds nothing but what a test puts there.

Programs that would change the real machine are stand-ins that write down how they were called. Places outside the
checkout that the scripts look at are moved into the test's folder; the scripts are otherwise the real ones.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).parents[2]
_REAL_PROGRAMS = (
    "bash cat chmod cmp cp dirname env grep head id ln mkdir mktemp mv readlink rm sed setsid sh sleep sort tail "
    "touch true uname"
).split()
# Where the scripts look on a real machine -> where they look here. All must occur, or a test would touch the machine.
_MOVED = {
    "engine": (
        "/var/run/docker.sock",
        "/var/run/docker.pid",
        "/run/systemd/system",
        "/etc/debian_version",
        "/var/log/indivillage",
    ),
}
_SYSTEM_PATH = ":/usr/local/sbin:/usr/sbin:/sbin"

PYTHON = """\
#!/bin/sh
# Python, but -m venv and -m pip only pretend. Makes .venv/bin/python (this file), uv and inv.
here=$(dirname "$0")
case "$1 $2" in
  "-m venv")
    echo "venv" >> "$CALLS"
    rm -rf "$4" && mkdir -p "$4/bin" && cp "$0" "$4/bin/python"
    [ -z "$VENV_FAILS" ] || exit 1 ;;
  "-m pip")
    echo "pip $*" >> "$CALLS"
    cp "$STANDINS/uv" "$STANDINS/inv" "$here" ;;
  "-I -S")
    if [ -e "$CALLS.denied" ]; then exit 2; fi
    exec REAL "$@" ;;
  "-m deployer.program")
    shift 2
    exec "$here/inv" "$@" ;;
  *) exec REAL "$@" ;;
esac
"""
UV = """\
#!/bin/sh
echo "uv cache=$UV_CACHE_DIR $*" >> "$CALLS"
if [ -n "$UV_SIGNALS" ]; then kill "$PPID"; fi
if [ -n "$UV_HANGS$UV_SIGNALS" ]; then echo "pid $$" >> "$CALLS"; exec sleep 600; fi
[ -z "$UV_FAILS" ]
"""
INV = """\
#!/bin/sh
echo "DOCKER_HOST=$DOCKER_HOST"
for word in "$@"; do echo "<$word>"; done
[ "$1" != test ] || exit ${TEST_EXIT:-0}
"""
TERRAFORM = '#!/bin/sh\necho "terraform" >> "$CALLS"\necho "Terraform v$TERRAFORM_VERSION"\n'
SUDO = '#!/bin/sh\n[ "$1" = -n ] || { echo "sudo would prompt" >&2; exit 1; }\nshift\nexec "$@"\n'
DOCKERD = """\
#!REAL
# An engine that does nothing but answer. Like the real one it refuses to run twice.
import os, pathlib, socket
pid_file, place = pathlib.Path("PID"), pathlib.Path("SOCKET")
with open(os.environ["CALLS"], "a") as calls:
    calls.write("dockerd\\n")
if os.environ.get("DOCKERD_FAILS"):
    raise SystemExit("failed to start daemon: no space left on device")
pid_file.write_text(str(os.getpid()))
server = socket.socket(socket.AF_UNIX)
server.bind(str(place))
server.listen()
server.settimeout(30)
print("API listen on", place, flush=True)
while True:
    link, _ = server.accept()
    link.recv(1000)
    link.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nOK")
    link.close()
"""
APT_GET = """\
#!/bin/sh
echo "apt-get frontend=$DEBIAN_FRONTEND $*" >> "$CALLS"
case "$*" in
  *" update"*)
    if [ -e "$CALLS.lists-locked" ]; then
      rm "$CALLS.lists-locked"; echo "E: Could not get lock /var/lib/apt/lists/lock" >&2; exit 100
    fi
    touch "$CALLS.updated" ;;
  *)
    if [ -n "$APT_STALE" ] && [ ! -e "$CALLS.updated" ]; then echo "E: 404" >&2; exit 100; fi
    cp "$STANDINS/dockerd" "$(dirname "$0")/" ;;
esac
"""


class Machine:
    """One make-believe machine in `folder`; `programs` is its PATH, `environ` what scripts run with."""

    def __init__(self, folder: Path) -> None:
        # A socket's path may be 107 bytes long, and pytest's folders are deep.
        self.folder = folder
        self.checkout = folder / "mit Leerzeichen & Ümlaut"
        self.programs = folder / "bin"
        self.standins = folder / "standins"
        self.socket = folder / "docker.sock"
        self.pid_file = folder / "docker.pid"
        self._calls = folder / "calls"
        # What follows #! ends at the first space, and our own checkout may have one in its path.
        self._python = folder / "real-python"
        self._python.symlink_to(sys.executable)
        for place in (self.checkout, self.programs, self.standins, folder / "home"):
            place.mkdir()
        for name in _REAL_PROGRAMS:
            (self.programs / name).symlink_to(str(shutil.which(name)))
        self._copy_checkout()
        self.standin("python3", PYTHON)
        self.standin("terraform", TERRAFORM)
        for name, text in (("uv", UV), ("inv", INV), ("dockerd", DOCKERD)):
            self._write(self.standins / name, text)
        self.environ = {
            "PATH": str(self.programs),
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder),
            "CALLS": str(self._calls),
            "STANDINS": str(self.standins),
            "TERRAFORM_VERSION": "1.11.4",
            "LC_ALL": "C.UTF-8",
        }

    def _copy_checkout(self) -> None:
        for name in ("scripts", ".ci"):
            shutil.copytree(ROOT / name, self.checkout / name)
        (self.checkout / "requirements").mkdir()
        for name in ("uv.txt", "deployer.txt"):
            (self.checkout / "requirements" / name).write_text("one==1 --hash=sha256:00\n")
        for name, places in _MOVED.items():
            script = self.checkout / "scripts" / name
            text = script.read_text()
            for place in places:
                assert place in text
                text = text.replace(place, str(self.folder / Path(place).name))
            assert _SYSTEM_PATH in text
            script.write_text(text.replace(_SYSTEM_PATH, ""))

    def standin(self, name: str, text: str) -> None:
        """Put a program into PATH."""
        self._write(self.programs / name, text)

    def _write(self, path: Path, text: str) -> None:
        replaced = text.replace("REAL", str(self._python)).replace("SOCKET", str(self.socket))
        path.write_text(replaced.replace('"PID"', f'"{self.pid_file}"'))
        path.chmod(0o755)

    def remove(self, name: str) -> None:
        """Take a program out of PATH."""
        (self.programs / name).unlink()

    def lock_changes(self) -> None:
        """Change requirements/deployer.txt."""
        (self.checkout / "requirements" / "deployer.txt").write_text("two==2 --hash=sha256:00\n")

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start scripts/inv."""
        return self.run("scripts/inv", *arguments, **environ)

    def run(self, script: str, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start a script of the checkout from another folder, without a terminal."""
        return subprocess.Popen(
            [self.checkout / script, *arguments],
            cwd=self.folder,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def inv(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run scripts/inv to its end."""
        return self.finish(self.start(*arguments, **environ))

    def finish(self, process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
        """Wait for a script that was started."""
        with process:
            out, err = process.communicate(timeout=30)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    @property
    def calls(self) -> list[str]:
        """What the stand-ins were called with, in order."""
        return self._calls.read_text().splitlines() if self._calls.exists() else []

    def called(self, program: str) -> list[str]:
        """Those calls of one stand-in."""
        return [call for call in self.calls if call.split()[0] == program]

    def mark(self, name: str) -> None:
        """Set a condition that a stand-in looks for."""
        Path(f"{self._calls}.{name}").touch()

    def debian(self) -> None:
        """Make it a Debian with apt."""
        (self.folder / "debian_version").write_text("12.0\n")
        self.standin("apt-get", APT_GET)
        self.standin("apt-cache", '#!/bin/sh\n[ "$2" != docker-cli ]\n')

    def user(self) -> None:
        """Make the caller an ordinary user, named ada."""
        self.remove("id")
        self.standin("id", "#!/bin/sh\ncase $1 in -u) echo 1000 ;; *) echo ada ;; esac\n")

    def serve(self, place: Path) -> socket.socket:
        """Let an engine answer at `place` until the socket is closed."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(place))
        server.listen()

        def answer() -> None:
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                with link:
                    link.recv(1000)
                    link.sendall(b"HTTP/1.0 200 OK\r\n\r\nOK")

        Thread(target=answer, daemon=True).start()
        return server

    def stop_engine(self) -> None:
        """End the stand-in engine, if one was started."""
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int(self.pid_file.read_text()), signal.SIGTERM)
