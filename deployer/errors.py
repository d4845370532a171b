"""Every way a command can fail, and the exit code that says so.

    DeployError                      1   a bug: nothing below fits
    ├── InputError                   2   what the user asked for or configured is wrong
    │   └── ConfigError              2   a terraform.tfvars or .env.local: names file and key
    ├── NotAllowed                   3   role or approval is missing
    ├── GateFailed                  10   lint, test, scan, build, plan, verify said no; nothing was changed
    ├── ReleaseFailed               20   failed after something was changed; users are unharmed
    │   └── RolledBack              20   … and what served before serves again
    ├── StateUncertain              21   failed and could not be put back or could not be checked: page someone
    │   └── Undecided               21   … since nobody can tell which color is good
    ├── Unreachable                 30   AWS, Docker or Terraform is out of reach
    ├── Locked                      40   another run holds the lease, or Terraform's state lock
    └── Interrupted                130   Ctrl-C or SIGTERM, and put back

An error says what was attempted, what was seen and what to do next. `console.failure` prints it once; nothing else
prints errors. Foreign exceptions (botocore, docker, subprocess) are mapped to this tree in the adapters and only there.
"""

from __future__ import annotations

from pathlib import Path


class DeployError(Exception):
    """A failure with what was attempted, what was seen, and what to do next.

    `details` are further lines (a stopped task's last log lines, a tool's last output), printed after the message.
    `log` is the file that holds the rest.
    """

    exit_code = 1

    def __init__(
        self,
        attempted: str,
        seen: str,
        hint: str = "",
        *,
        details: tuple[str, ...] = (),
        log: Path | None = None,
    ) -> None:
        super().__init__(f"{attempted}: {seen}")
        self.attempted = attempted
        self.seen = seen
        self.hint = hint
        self.details = details
        self.log = log


class InputError(DeployError):
    """What the user asked for cannot be done as asked."""

    exit_code = 2


class ConfigError(InputError):
    """A terraform.tfvars or .env.local is missing, malformed, or holds a value that cannot be used."""


class NotAllowed(DeployError):
    """The actor's role or a missing approval forbids it."""

    exit_code = 3


class GateFailed(DeployError):
    """A check that stands before any change said no."""

    exit_code = 10


class ReleaseFailed(DeployError):
    """The release failed after something was changed (infrastructure, schema); what served before still serves."""

    exit_code = 20


class RolledBack(ReleaseFailed):
    """Traffic or tasks were changed, and what served before serves again."""


class StateUncertain(DeployError):
    """Putting back failed or could not be checked: a person has to look."""

    exit_code = 21


class Undecided(StateUncertain):
    """Traffic is split, and nobody can tell which color is good."""


class Unreachable(DeployError):
    """AWS, the Docker Engine or Terraform did not answer."""

    exit_code = 30


class Locked(DeployError):
    """Somebody else holds the environment."""

    exit_code = 40


class Interrupted(DeployError):
    """The user or the machine asked to stop; what was changed has been put back."""

    exit_code = 130
