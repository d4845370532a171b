"""The images' build step: of botocore is left what the application calls, quick to read, and it still makes clients."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader

from tests.application.conftest import ROOT

DATA = Path(botocore.__file__).parent / "data"
S3 = "s3/2006-03-01/service-2"


def trimmed(prepare: ModuleType, folder: Path, *services: str) -> Path:
    """Return a copy of botocore's data in FOLDER, as an image would have it for these services."""

    def others(parent: str, names: list[str]) -> list[str]:
        if Path(parent) != DATA:
            return []
        return [name for name in names if (DATA / name).is_dir() and name not in services]

    data = folder / "data"
    shutil.copytree(DATA, data, ignore=others)
    for packed in data.rglob("*.json.gz"):
        prepare.unpack(packed)
    prepare.drop_endpoints(data)
    return data


def loader(data: Path) -> Loader:
    """Botocore's own, of that folder alone."""
    return Loader(extra_search_paths=[str(data)], include_default_search_paths=False)


def test_unused_service_models_are_removed(prepare: ModuleType, tmp_path: Path) -> None:
    """An image keeps the models it names and botocore's own files; a name that is not there stops the build."""
    for name in ("s3", "ec2", "lambda"):
        (tmp_path / name).mkdir()
    (tmp_path / "endpoints.json").write_text("{}")
    assert 2 == prepare.drop_models(tmp_path, frozenset({"s3"}))
    assert {"s3", "endpoints.json"} == {path.name for path in tmp_path.iterdir()}
    with pytest.raises(SystemExit, match="no model of s4"):
        prepare.drop_models(tmp_path, frozenset({"s4"}))


def test_what_is_kept_of_botocore_still_makes_clients(prepare: ModuleType, tmp_path: Path) -> None:
    """Unpacked, without its texts, each service under the name that the table of endpoints has for it."""
    data = trimmed(prepare, tmp_path, "s3", "sts")

    expected, model = loader(DATA).load_data(S3), loader(data).load_data(S3)
    assert expected["operations"].keys() == model["operations"].keys()
    assert not [*data.rglob("*.gz")]
    assert not re.findall(r"'documentation': '[^']", str(model))
    assert {"s3", "sts"} == set(loader(data).load_data("endpoints")["partitions"][0]["services"])


def clients(data: Path | None, services: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Where clients of AWS in Mumbai would send requests, and for whom they would sign them; models from DATA."""
    session = botocore.session.get_session()
    if data:
        session.register_component("data_loader", loader(data))
    session.set_credentials("AKIAEXAMPLE", "none")
    made = [session.create_client(service, region_name="ap-south-1") for service in services]  # type: ignore[call-overload]
    return [(one.meta.endpoint_url, one.meta.config.signature_version, signer(one)) for one in made]


def signer(client: Any) -> str:
    """Name and region in the signatures."""
    return f"{client._request_signer.signing_name} {client._request_signer.region_name}"


@pytest.mark.parametrize("image", ["backend", "deployer"])
def test_clients_speak_to_the_same_places(prepare: ModuleType, tmp_path: Path, image: str) -> None:
    """A service may have one name in its model, another in the table of endpoints, and a third in a signature."""
    dockerfile = (ROOT / "docker" / image / "Dockerfile").read_text(encoding="utf-8")
    named = re.search(r"prepare\.py \S+/site-packages ([a-z0-9 -]+)", dockerfile)
    assert named is not None
    services = tuple(named[1].split())
    data = trimmed(prepare, tmp_path, *services)

    assert clients(None, services) == clients(data, services)


def test_a_service_whose_endpoints_have_another_name_keeps_them(prepare: ModuleType, tmp_path: Path) -> None:
    """The model of elbv2 stands in a folder of that name, its endpoints under `elasticloadbalancing`."""
    data = trimmed(prepare, tmp_path, "elbv2")

    assert {"elasticloadbalancing"} == set(loader(data).load_data("endpoints")["partitions"][0]["services"])
