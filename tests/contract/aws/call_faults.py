"""One call to AWS fails once, by botocore's own event hooks: what comes back is all that the deployer can know of it.

throttled     refused before anything happened
lost          done, but the answer never arrives: the connection times out
conflict      409
precondition  412
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from types import FrameType
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from deployer.aws.session import Session
from deployer.journal import Journal, Point

WRITES = (Journal._intend.__code__, Journal._saw.__code__)
"""What writes a step down before its call and after it."""

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
class Place:
    """Where a command asks AWS for something: what a loop asks again and again at one place is asked there once.

    `callers` are the deployer's functions that led there, the nearest first; `step` is the journal's whose call it
    belongs to, or which it writes down, else 0.
    """

    operation: str
    callers: str
    step: int


@dataclass(frozen=True)
class Fault:
    """The first request at a place fails as `kind` says."""

    place: Place
    kind: str


@dataclass
class Calls:
    """What one process asks of AWS, place by place, and whether the fault that it was armed with was met."""

    fault: Fault | None
    met: bool = False
    places: list[Place] = field(default_factory=list)
    _begun: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def passed(self, number: int, at: Point) -> None:
        """Note the step whose call this thread makes."""
        self._begun.step = number if at is Point.BEFORE_CALL else 0

    def meet(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse | None:
        """Answer in AWS's place where the fault is; nothing anywhere else."""
        operation = event_name.removeprefix("before-send.")
        frames = tuple(_frames())
        written = [frame.f_locals["number"] for frame in frames if frame.f_code in WRITES]
        step = written[0] if written else getattr(self._begun, "step", 0)
        place = Place(operation, " < ".join(map(_name, frames)), step)
        with self._lock:
            first = place not in self.places
            if first:
                self.places.append(place)
            hit = self.fault is not None and first and place == self.fault.place
            self.met = self.met or hit
        if not hit or self.fault is None:
            return None
        if self.fault.kind == "lost":
            URLLib3Session().send(request)
            raise ReadTimeoutError(endpoint_url=request.url)
        return refusal(request, operation.split(".")[0], self.fault.kind)


def _frames() -> Iterator[FrameType]:
    frame = sys._getframe()
    while frame := frame.f_back:
        if str(frame.f_globals.get("__name__", "")).startswith("deployer."):
            yield frame


def _name(frame: FrameType) -> str:
    return f"{frame.f_globals['__name__'].removeprefix('deployer.')}.{frame.f_code.co_qualname}"


def arm(fault: Fault | None) -> Calls:
    """Let every session made from now on fail as told; return what will have been asked."""
    calls = Calls(fault)
    watch = Session._watch

    def watched(self: Session, core: Any) -> None:
        watch(self, core)
        core.get_component("event_emitter").register("before-send", calls.meet)

    Session._watch = watched  # type: ignore[method-assign]
    return calls


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
