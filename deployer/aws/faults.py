"""The one place where botocore's errors become ours.

    with mapped("reading the service web"):
        client.describe_services(...)

An adapter that can live with some answers names their codes: those come out as `Expected`, which it catches itself.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from deployer.errors import DeployError, InputError, NotAllowed, Unreachable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from botocore.exceptions import BotoCoreError, ClientError

DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AuthorizationError",
        "AuthorizationErrorException",
        "UnauthorizedOperation",
    }
)
EXPIRED = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
SKEWED = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
"""AWS refuses what was signed more than five minutes away from its own time (IAM User Guide, "Signature Version 4")."""
SKEWED_WORDS = ("Signature expired", "Signature not yet current")
"""How services that answer InvalidSignatureException or SignatureDoesNotMatch say the same."""
THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
CONFLICTS = frozenset({409, 412})
"""Conflict, Precondition Failed: nothing is wrong with what was asked, only with the moment."""
ABSENT = frozenset({"404", "NoSuchBucket", "NoSuchEntity", "NoSuchKey"})
HINT_CREDENTIALS = "sign in to AWS again (aws sso login, or new access keys) and repeat the command"
HINT_CLOCK = "this machine's clock is wrong: set it (sudo timedatectl set-ntp true) and repeat the command"
HINT_NETWORK = (
    "local cloud: `inv cloud.status`, then `inv cloud.up`; AWS: check the network and the region's status page"
)
HINT_APPLY = "the infrastructure lacks it: `inv apply --env=…` makes it"


class Expected(Exception):
    """AWS refused with a code the adapter said it can handle. `headers` are the answer's HTTP headers."""

    def __init__(self, code: str, headers: Mapping[str, str]) -> None:
        super().__init__(code)
        self.code = code
        self.headers = headers


@contextmanager
def mapped(attempted: str, *, expected: Collection[str] = ()) -> Iterator[None]:
    """Turn what botocore raises inside into the tree of `deployer.errors`; codes in `expected` into `Expected`.

    Raises Unreachable (no answer, no or stale credentials, throttled, in conflict, 5xx), NotAllowed (IAM said no),
    InputError (a resource is not there), DeployError (anything else, with AWS's code and message).
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _refusal(attempted, error, expected) from error
    except BotoCoreError as error:
        raise _no_answer(attempted, error) from error


def _refusal(attempted: str, error: ClientError, expected: Collection[str]) -> Exception:
    """Map an answer of AWS that is not what was asked for."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    metadata = error.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    if code in expected:
        return Expected(code, dict(metadata.get("HTTPHeaders", {})))
    kind, hint = _meaning(code, status, message)
    return kind(attempted, f"{error.operation_name} answered {code}: {message}".rstrip(": "), hint)


def _meaning(code: str, status: int, message: str) -> tuple[type[DeployError], str]:
    """Tell which of our errors a code stands for, and what the user can do about it."""
    kind: type[DeployError] = DeployError
    hint = ""
    if code in SKEWED or any(words in message for words in SKEWED_WORDS):
        kind, hint = Unreachable, HINT_CLOCK
    elif code in EXPIRED:
        kind, hint = Unreachable, HINT_CREDENTIALS
    elif code in DENIED or status == 403:
        kind, hint = NotAllowed, "the identity you use lacks this permission in IAM"
    elif code in THROTTLED:
        kind, hint = Unreachable, "AWS throttles this account: wait a minute and repeat the command"
    elif status >= 500:
        kind, hint = Unreachable, HINT_NETWORK
    elif "NotFound" in code or code in ABSENT:
        kind, hint = InputError, HINT_APPLY
    elif status in CONFLICTS:
        kind, hint = Unreachable, "AWS was changing the same thing at that moment: repeat the command"
    return kind, hint


def _no_answer(attempted: str, error: BotoCoreError) -> DeployError:
    """Map a request that never got an answer, or could not be made."""
    from botocore import exceptions as boto

    unsigned = (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.TokenRetrievalError,
        boto.SSOError,
        boto.UnauthorizedSSOTokenError,
    )
    unheard = (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError, boto.ResponseStreamingError)
    if isinstance(error, unsigned):
        return Unreachable(attempted, str(error), HINT_CREDENTIALS)
    if isinstance(error, boto.ProfileNotFound):
        return InputError(attempted, str(error), "AWS_PROFILE names a profile that ~/.aws/config does not have")
    if isinstance(error, unheard):
        return Unreachable(attempted, str(error), HINT_NETWORK)
    return DeployError(attempted, f"{type(error).__name__}: {error}")
