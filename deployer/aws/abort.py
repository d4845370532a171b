"""`abort.json` in the state bucket: somebody asks the run that holds the lease to put things back.

It names the run by its fencing number, so that it never meets a later one. Read every two seconds while a run lasts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deployer.aws.faults import Expected, mapped
from deployer.aws.state_bucket import ABORT_KEY

if TYPE_CHECKING:
    from deployer.aws.session import Session

MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "404"})


class S3Abort:
    """Fills ports.Abort."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._name = session.environment.state_bucket

    def ask(self, fencing: int, actor: str, reason: str) -> None:
        """Ask the run of this fencing number to stop and put things back."""
        with mapped("asking the run to put things back"):
            self._session.s3_brief.put_object(
                Bucket=self._name,
                Key=ABORT_KEY,
                Body=json.dumps({"fencing": fencing, "actor": actor, "reason": reason}).encode(),
                ContentType="application/json",
            )

    def asked(self, fencing: int) -> str:
        """Say who asked the run of this fencing number to stop, and why; "" when nobody did."""
        try:
            with mapped("looking whether somebody wants this run to stop", expected=MISSING):
                body = self._session.s3_brief.get_object(Bucket=self._name, Key=ABORT_KEY)["Body"].read()
        except Expected:
            return ""
        try:
            fields = json.loads(body)
            if int(fields["fencing"]) != fencing:
                return ""
            reason = f": {fields['reason']}" if fields["reason"] else ""
            return f"aborted by {fields['actor']}{reason}"
        except (ValueError, KeyError, TypeError):
            return ""  # damaged: nobody can tell whom it was meant for
