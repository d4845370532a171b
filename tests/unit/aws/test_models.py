"""botocore's service models, without a look at all of them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import DataNotFoundError
from botocore.loaders import JSONFileLoader, Loader

from deployer.aws.models import Condensed, Models, without_prose


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


@pytest.mark.parametrize("of", ["ecs/2014-11-13/service-2", "endpoints"])
def test_a_description_is_kept_without_its_prose(tmp_path: Path, of: str) -> None:
    """Read twice, the second time from what was kept: all the same but for the documentation."""
    loader = Models(file_loader=Condensed(tmp_path))

    first, kept = loader.load_data(of), tuple(tmp_path.iterdir())
    second = Models(file_loader=Condensed(tmp_path)).load_data(of)

    assert (without_prose(Loader().load_data(of)), 1, False) == (first, len(kept), "'documentation': '<" in str(first))
    assert first == second


def test_what_was_kept_is_read_instead_of_the_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The description itself is opened once, and again when it has changed."""
    opened: list[str] = []
    load = JSONFileLoader.load_file

    def count(self: JSONFileLoader, file_path: str) -> Any:
        opened.append(file_path)
        return load(self, file_path)

    monkeypatch.setattr(JSONFileLoader, "load_file", count)
    described, condensed = tmp_path / "service-2.json", Condensed(tmp_path / "kept")
    described.write_text(json.dumps({"version": 1}), encoding="utf-8")
    read = [condensed.load_file(str(described.with_suffix(""))) for _ in range(2)]
    described.write_text(json.dumps({"version": 2}), encoding="utf-8")
    os.utime(described, ns=(1, 1))
    read.append(condensed.load_file(str(described.with_suffix(""))))

    assert ([{"version": 1}, {"version": 1}, {"version": 2}], 2) == (read, len(opened))


def test_a_description_that_is_not_there_is_none(tmp_path: Path) -> None:
    """Then botocore looks in the next folder."""
    assert Condensed(tmp_path).load_file(str(tmp_path / "service-2")) is None
