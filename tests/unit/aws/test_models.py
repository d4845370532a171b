"""botocore's service models, without a look at all of them."""

from __future__ import annotations

import pytest
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader

from deployer.aws.models import Models


def test_the_same_models_are_found() -> None:
    """The version and the content that botocore itself would take."""
    for service in ("ecs", "elbv2", "ssm", "s3"):
        assert Loader().load_service_model(service, "service-2") == Models().load_service_model(service, "service-2")


@pytest.mark.parametrize(("service", "kind"), [("no-such-service", "service-2"), ("sts", "waiters-2")])
def test_what_is_not_there_is_an_error(service: str, kind: str) -> None:
    """Of the kind that botocore expects, whether the service is unknown or lacks the file."""
    with pytest.raises(DataNotFoundError):
        Models().load_service_model(service, kind)


def test_a_folder_that_does_not_exist_is_no_service() -> None:
    """Few people have models of their own."""
    assert "ecs" in Models(extra_search_paths=["/nonexistent"]).list_available_services("service-2")
