"""What the Dockerfiles promise together: the same content gives the same layers, and the network is for apt alone.

That the promises hold is tried by tests/images/test_reproducible.py; here a careless line is caught at once.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployer.model import DEPLOYER, SERVICES
from deployer.tools.dependencies import FIXED_TIME_S
from tests.examples import ROOT

DOCKERFILES = sorted(ROOT.glob("docker/*/Dockerfile"))
DEPLOYED = (*SERVICES, DEPLOYER)
REACHES_OUT = re.compile(r"(?:^RUN|&&|;|\||--\S+)\s+(apt-get|apt|curl|wget|pip3?|python3? -m pip|uv|npm|git)\s")


def steps(text: str, *kinds: str) -> list[str]:
    """The instructions of these kinds, each on one line, comments left out."""
    plain = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", plain)
    return [line for line in joined.splitlines() if line.split(" ")[0].upper() in kinds]


def reaching_out(text: str) -> list[str]:
    """RUN steps that use the network for anything but Debian's packages, which follow the pinned base."""
    return [step for step in steps(text, "RUN") if set(REACHES_OUT.findall(step)) - {"apt-get"}]


def stamping(text: str) -> list[str]:
    """Steps that leave the time of the build in a layer: RUN without a touch, COPY straight into the image."""
    last = text[text.rindex("\nFROM ") :]
    untouched = [step for step in steps(text, "RUN") if f"-exec touch -h -d @{FIXED_TIME_S} {{}} +" not in step]
    copies = [s for s in steps(last, "COPY", "ADD") if not re.fullmatch(r"COPY --from=\w+ /image/ /", s)]
    return untouched + copies


def pulling(text: str) -> list[str]:
    """Lines that make BuildKit pull an image: a frontend of its own, or a base that is not ours."""
    frontends = [line for line in text.splitlines() if line.lower().replace(" ", "").startswith("#syntax=")]
    stages = {words[3] for step in steps(text, "FROM") if len(words := step.split()) > 3}
    bases = [step for step in steps(text, "FROM") if step.split()[1] not in {"${BASE}", *stages}]
    return frontends + bases


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.parent.name)
def test_build_needs_nothing_but_the_base_and_debians_packages(dockerfile: Path) -> None:
    """Python packages come with the context, checked by hash."""
    text = dockerfile.read_text()

    assert ([], []) == (reaching_out(text), pulling(text))


@pytest.mark.parametrize("service", DEPLOYED)
def test_what_is_released_carries_no_time_of_its_build(service: str) -> None:
    assert [] == stamping((ROOT / "docker" / service / "Dockerfile").read_text())


@pytest.mark.parametrize(
    ("line", "guard"),
    [
        ("RUN apt-get update && pip install x", reaching_out),
        ("RUN curl https://example.com", reaching_out),
        ("# syntax=docker/dockerfile:1", pulling),
        ("FROM debian:12", pulling),
        ("RUN make", stamping),
        ("COPY app/ /app/", stamping),
    ],
)
def test_the_guards_see_a_breach(line: str, guard: object) -> None:
    """Each kind of careless line, at the end of a good file."""
    good = (ROOT / "docker/frontend/Dockerfile").read_text()

    assert callable(guard)
    assert [] == guard(good)
    assert [line] == guard(f"{good}{line}\n".replace("\nFROM debian:12", "\nFROM debian:12\n"))


def test_services_share_the_step_that_installs_python() -> None:
    """The same text is the same step, which a builder makes once for all."""
    first = {service: steps((ROOT / "docker" / service / "Dockerfile").read_text(), "RUN")[0] for service in DEPLOYED}

    assert 1 == len(set(first.values()))


def test_the_reconciler_can_make_every_client_that_its_role_allows() -> None:
    """Models of services that its Dockerfile does not name are not in its image: a call would fail there alone."""
    roles = (ROOT / "infrastructure/terraform/modules/reconciler/roles.tf").read_text(encoding="utf-8")
    may = roles.partition('resource "aws_iam_role_policy" "task"')[2]
    prefixes = set(re.findall(r'"([a-z0-9-]+):[A-Z]\w+"', may))
    called = {"elbv2" if prefix == "elasticloadbalancing" else prefix for prefix in prefixes}
    dockerfile = (ROOT / "docker/deployer/Dockerfile").read_text(encoding="utf-8")
    kept = re.search(r"prepare\.py \S+/site-packages ([a-z0-9 -]+)", dockerfile)

    assert kept is not None
    assert called | {"sts"} == set(kept[1].split())
