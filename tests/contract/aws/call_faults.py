"""One call to AWS fails once, by botocore's own event hooks: what comes back is all that the deployer can know of it.

throttled     refused before anything happened
lost          done, but the answer never arrives: the connection times out
conflict      409
precondition  412
"""

from __future__ import annotations

import io
import threading
from collections import Counter
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from deployer.aws.session import Session

KINDS = ("throttled", "lost", "conflict", "precondition")
XML_ERRORS = {"s3": "<Error>{}</Error>", "ec2": "<Response><Errors><Error>{}</Error></Errors></Response>"}
QUERY_ERROR = "<ErrorResponse><Error><Type>Sender</Type>{}</Error><RequestId>r</RequestId></ErrorResponse>"
QUERY = frozenset({"elasticloadbalancing", "elastic-load-balancing-v2", "iam", "sts"})
REFUSALS = {
    "throttled": (400, "ThrottlingException", 503, "SlowDown"),
    "conflict": (409, "ConflictException", 409, "ConditionalRequestConflict"),
    "precondition": (412, "PreconditionFailedException", 412, "PreconditionFailed"),
}
"""Kind -> status and code of AWS at large, status and code of S3."""


@dataclass(frozen=True)
class Fault:
    """The `number`th request (from 1) of `operation` (`ecs.UpdateService`) fails as `kind` says."""

    operation: str
    number: int
    kind: str


def arm(fault: Fault | None) -> list[str]:
    """Let every session made from now on fail as told; return the list that notes each operation as it is called."""
    called: list[str] = []
    lock = threading.Lock()
    seen: Counter[str] = Counter()
    watch = Session._watch

    def meet(request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse | None:
        operation = event_name.removeprefix("before-send.")
        with lock:
            called.append(operation)
            seen[operation] += 1
            hit = fault is not None and (operation, seen[operation]) == (fault.operation, fault.number)
        if not hit or fault is None:
            return None
        if fault.kind == "lost":
            URLLib3Session().send(request)
            raise ReadTimeoutError(endpoint_url=request.url)
        return refusal(request, operation.split(".")[0], fault.kind)

    def watched(self: Session, core: Any) -> None:
        watch(self, core)
        core.get_component("event_emitter").register("before-send", meet)

    Session._watch = watched  # type: ignore[method-assign]
    return called


class _Raw(io.BytesIO):
    def stream(self, *_: object, **__: object) -> Any:
        yield self.read()


def refusal(request: AWSPreparedRequest, service: str, kind: str) -> AWSResponse:
    """What this service's protocol makes of a refusal."""
    status, code, s3_status, s3_code = REFUSALS[kind]
    words = f"<Code>{code}</Code><Message>made to fail</Message>"
    if service == "s3":
        status, body = s3_status, XML_ERRORS["s3"].format(words.replace(code, s3_code))
    elif service in XML_ERRORS:
        body = XML_ERRORS[service].format(words)
    elif service in QUERY:
        body = QUERY_ERROR.format(words)
    else:
        body = f'{{"__type": "{code}", "message": "made to fail"}}'
    headers = HTTPHeaders.from_dict({"Date": formatdate(usegmt=True)})
    return AWSResponse(request.url, status, headers, _Raw(body.encode()))
