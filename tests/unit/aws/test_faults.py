"""What botocore raises comes out of the adapters as ours."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import exceptions as boto

from deployer.aws.faults import Expected, mapped
from deployer.errors import DeployError, InputError, NotAllowed, Unreachable


def refusal(code: str, status: int = 400, message: str = "why not") -> boto.ClientError:
    """Return AWS's answer no, with this code."""
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(answer, "DescribeServices")


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (boto.EndpointConnectionError(endpoint_url="http://127.0.0.1:4566"), Unreachable),
        (boto.ConnectTimeoutError(endpoint_url="http://127.0.0.1:4566"), Unreachable),
        (boto.ReadTimeoutError(endpoint_url="http://127.0.0.1:4566"), Unreachable),
        (boto.ConnectionClosedError(endpoint_url="http://127.0.0.1:4566"), Unreachable),
        (boto.NoCredentialsError(), Unreachable),
        (boto.UnauthorizedSSOTokenError(), Unreachable),
        (boto.ProfileNotFound(profile="nobody"), InputError),
        (refusal("ExpiredToken"), Unreachable),
        (refusal("ExpiredTokenException", 403), Unreachable),
        (refusal("UnrecognizedClientException"), Unreachable),
        (refusal("RequestTimeTooSkewed", 403), Unreachable),
        (refusal("Throttling"), Unreachable),
        (refusal("ConflictException", 409), Unreachable),
        (refusal("PreconditionFailed", 412), Unreachable),
        (refusal("InternalFailure", 500), Unreachable),
        (refusal("AccessDenied", 403), NotAllowed),
        (refusal("AccessDeniedException"), NotAllowed),
        (refusal("403", 403), NotAllowed),
        (refusal("ClusterNotFoundException"), InputError),
        (refusal("NoSuchBucket", 404), InputError),
        (refusal("ValidationException"), DeployError),
        (boto.ParamValidationError(report="cpu is no string"), DeployError),
    ],
)
def test_each_failure_has_its_place_in_the_tree(raised: Exception, expected: type[DeployError]) -> None:
    """The class decides the exit code, so it is exact: not merely some DeployError."""
    with pytest.raises(DeployError) as caught, mapped("reading the service web"):
        raise raised
    assert expected is type(caught.value)
    assert caught.value.attempted == "reading the service web"


def test_a_refusal_names_operation_code_and_message() -> None:
    """Whoever reads the message can search for it."""
    with pytest.raises(DeployError) as caught, mapped("reading the service web"):
        raise refusal("ValidationException")
    assert caught.value.seen == "DescribeServices answered ValidationException: why not"


@pytest.mark.parametrize(
    ("raised", "word"),
    [
        (boto.EndpointConnectionError(endpoint_url="http://127.0.0.1:4566"), "inv cloud.up"),
        (boto.NoCredentialsError(), "sign in"),
        (refusal("RequestTimeTooSkewed", 403), "clock"),
        (refusal("InvalidSignatureException", 403, "Signature expired: 20260101T000000Z is now earlier"), "clock"),
        (refusal("AccessDenied", 403), "IAM"),
        (refusal("ClusterNotFoundException"), "inv apply"),
    ],
)
def test_hints_say_what_to_do(raised: Exception, word: str) -> None:
    """Every failure a user can mend says how."""
    with pytest.raises(DeployError) as caught, mapped("reading the service web"):
        raise raised
    assert word in caught.value.hint


def test_an_expected_code_comes_out_as_expected() -> None:
    """An adapter handles the answers it named, and only those."""
    with pytest.raises(Expected) as caught, mapped("reading", expected={"NoSuchKey"}):
        raise refusal("NoSuchKey", 404)
    assert caught.value.code == "NoSuchKey"
    with pytest.raises(InputError), mapped("reading", expected={"NoSuchKey"}):
        raise refusal("NoSuchBucket", 404)


def test_our_own_errors_pass_untouched() -> None:
    """A bug in the adapter stays a bug with its traceback."""
    with pytest.raises(ZeroDivisionError), mapped("dividing"):
        _ = 1 // 0
