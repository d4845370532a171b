"""The environments as they are committed differ only for the reasons that are committed beside them."""

from __future__ import annotations

import pytest

from deployer import parity


def test_every_difference_has_its_reason_and_every_reason_its_difference(capsys: pytest.CaptureFixture[str]) -> None:
    """`inv parity` on this checkout."""
    assert 0 == parity.parity(as_json=True)
    assert '"unexplained": []' in capsys.readouterr().out
