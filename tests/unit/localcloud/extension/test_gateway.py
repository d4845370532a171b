"""Which requests may have changed something that has to be saved."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.extension.gateway import may_write


@pytest.mark.parametrize(
    ("method", "path", "target", "expected"),
    [
        ("GET", "/bucket/key", "", False),
        ("PUT", "/bucket/key", "", True),
        ("POST", "/", "AmazonEC2ContainerServiceV20141113.DescribeServices", False),
        ("POST", "/", "AmazonEC2ContainerServiceV20141113.UpdateService", True),
        ("POST", "/service/GraniteServiceVersion20100801/operation/GetMetricData", "", False),
        ("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm", "", True),
        ("POST", "/", "", True),
    ],
)
def test_what_may_write(method: str, path: str, target: str, expected: bool) -> None:
    """A gate reads metrics every second: that is nothing to save."""
    scope: dict[str, Any] = {"method": method, "path": path, "headers": [(b"x-amz-target", target.encode())]}
    assert expected is may_write(scope)
