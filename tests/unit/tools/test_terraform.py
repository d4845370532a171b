"""The adapter against the real Terraform, with a small configuration that needs no provider plugin."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from deployer.errors import DeployError, GateFailed, InputError, Interrupted, Locked, ReleaseFailed, Unreachable
from deployer.model import Change, Drift, Environment, Limits, Plan, Scaling, Topology
from deployer.tools import process
from deployer.tools.terraform import Terraform

COMMIT = "c0ffee"
MAIN = """
terraform {
  required_version = ">= 1.9"
  backend "local" {}
}
variable "word" { type = string }
variable "cloud" {
  type    = string
  default = "aws"
}
resource "terraform_data" "page" { input = "${var.word} on ${var.cloud}" }
"""
WAITS = """
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "touch '${path.root}/started'; while [ ! -e '${path.root}/go' ]; do sleep 0.05; done"
  }
}
"""


def never() -> Topology:
    """Stand in for what reads the topology."""
    raise InputError("read the topology", "not in this test")


class Place:
    """A configuration, an environment's folder and what the adapter said."""

    def __init__(self, folder: Path) -> None:
        self.configuration = folder / "terraform"
        self.environment = self.configuration / "environments" / "development"
        self.environment.mkdir(parents=True)
        self.write("main.tf", MAIN)
        (self.environment / "backend.hcl").write_text("", encoding="utf-8")
        (self.environment / "terraform.tfvars").write_text('word = "hello"\n', encoding="utf-8")
        self.cache = folder / ".cache"
        self.log = folder / "logs" / "terraform.log"
        self.state = folder / "state" / "terraform.tfstate"
        self.said: list[str] = []
        self.bootstrapped = 0
        self.forgotten: list[str] = []
        self.tagged: list[str] = []

    def write(self, name: str, text: str) -> None:
        """Write a file of the configuration."""
        (self.configuration / name).write_text(text, encoding="utf-8")

    def terraform(self, *, fresh: bool = False, **changes: str) -> Terraform:
        """Build the adapter; `changes` go into its environment variables."""
        return Terraform(
            environment(self.environment / "terraform.tfvars"),
            configuration=self.configuration,
            cache=self.cache,
            instance="test-cloud",
            endpoint_url=None,
            bootstrap=self.bootstrap,
            read_serial=self.serial,
            fresh=fresh,
            read_topology=never,
            forget_topology=lambda: self.forgotten.append("topology"),
            tag_state=lambda: self.tagged.append("state"),
            variables={"cloud": "local"},
            backend={"path": str(self.state)},
            environ={"PATH": os.environ["PATH"], "HOME": str(self.cache), **changes},
        )

    def bootstrap(self) -> None:
        """Count the calls that would make the state bucket."""
        self.bootstrapped += 1

    def serial(self, _: str) -> str:
        """Read the state's serial, as that of the bucket does: an object is whole, a file may be half written."""
        while self.state.exists():
            with suppress(json.JSONDecodeError):
                return str(json.loads(self.state.read_text(encoding="utf-8"))["serial"])
        return ""

    def plan(self) -> Plan:
        """Prepare and plan."""
        terraform = self.terraform()
        terraform.prepare(self.said.append)
        return terraform.plan(COMMIT, self.log, self.said.append)

    def apply(self, plan: Plan) -> None:
        """Apply with a new adapter, as a later process would."""
        self.terraform().apply(plan, self.log, self.said.append)


def environment(tfvars: Path) -> Environment:
    """Build an environment around a tfvars file."""
    return Environment(
        name="development",
        short_name="dev",
        domain="dev.example.com",
        region="ap-south-1",
        replica_region="ap-southeast-1",
        account_id="000000000000",
        cloud="local",
        branch="develop",
        strategy="rolling",
        steps=(),
        bake_factor=1.0,
        steady_timeout_s=60,
        limits=Limits(5, 1500, 60),
        scaling=Scaling(1, 2),
        services={},
        tfvars=tfvars,
        config_hash="",
        tags={},
    )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Provide a fresh configuration."""
    return Place(tmp_path)


def test_plan_apply_and_nothing_left_to_do(place: Place) -> None:
    """What was planned is made, and then there is nothing to change."""
    plan = place.plan()
    assert (Change("create", "terraform_data.page"),) == plan.changes
    assert COMMIT == plan.commit

    place.apply(plan)

    assert "hello on local" in place.state.read_text(encoding="utf-8")
    assert place.plan().empty


def test_prepare_makes_the_bucket_and_initialises_once(place: Place) -> None:
    """A second prepare makes sure of the bucket but leaves init out."""
    place.terraform().prepare(place.said.append)
    place.terraform().prepare(place.said.append)

    assert 2 == place.bootstrapped
    assert ["initialising Terraform"] == place.said


@pytest.mark.parametrize("name", ["main.tf", "environments/development/backend.hcl"])
def test_init_is_repeated_when_what_it_reads_changes(place: Place, name: str) -> None:
    """A new constraint or another backend asks for another init."""
    place.terraform().prepare(place.said.append)
    file = place.configuration / name
    file.write_text(file.read_text(encoding="utf-8").replace(">= 1.9", ">= 1.8") + "\n", encoding="utf-8")
    place.terraform().prepare(place.said.append)

    assert 2 == place.said.count("initialising Terraform")


def test_init_is_not_repeated_for_another_resource(place: Place) -> None:
    """Resources do not concern init."""
    place.terraform().prepare(place.said.append)
    place.write("more.tf", 'resource "terraform_data" "more" {}\n')
    place.terraform().prepare(place.said.append)

    assert 1 == place.said.count("initialising Terraform")


def test_plan_initialises_again_when_terraform_asks(place: Place) -> None:
    """A stamp without the data it vouches for is no obstacle."""
    place.terraform().prepare(place.said.append)
    (place.cache / "terraform" / "test-cloud" / "dev" / "data" / "terraform.tfstate").unlink()

    assert not place.terraform().plan(COMMIT, place.log, place.said.append).empty


def test_missing_backend_file_is_named(place: Place) -> None:
    """An environment without its backend.hcl says so."""
    (place.environment / "backend.hcl").unlink()
    with pytest.raises(InputError, match=r"backend\.hcl does not exist"):
        place.terraform().prepare(place.said.append)


def test_altered_plan_is_refused(place: Place) -> None:
    """A plan file that is not the one that was shown is not applied."""
    plan = place.plan()
    with plan.path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(GateFailed, match="not what was planned"):
        place.apply(plan)

    assert not place.state.exists()


def test_missing_plan_is_refused(place: Place) -> None:
    """A plan that is gone has to be made again."""
    plan = place.plan()
    plan.path.unlink()
    with pytest.raises(GateFailed, match="does not exist"):
        place.apply(plan)


def test_stale_plan_is_refused(place: Place) -> None:
    """A plan made before somebody else's apply is not applied."""
    first = place.plan()
    second = place.plan()
    place.apply(second)
    with pytest.raises(GateFailed, match="stale"):
        place.apply(first)


def test_latest_plan_is_found_by_a_later_process(place: Place) -> None:
    """`inv apply` takes what `inv plan` saved."""
    plan = place.plan()

    assert plan == place.terraform().saved()


def test_without_a_plan_none_is_saved(place: Place) -> None:
    """Nothing was ever planned here."""
    assert place.terraform().saved() is None


def test_a_saved_plan_of_other_files_is_refused(place: Place) -> None:
    """Uncommitted changes belong to no commit: what a plan was made from is compared as well."""
    plan = place.plan()
    (place.environment / "terraform.tfvars").write_text('word = "bye"\n', encoding="utf-8")
    with pytest.raises(GateFailed, match="no longer what it was made from") as caught:
        place.terraform().saved()
    assert "plan again" in caught.value.hint

    (place.environment / "terraform.tfvars").write_text('word = "hello"\n', encoding="utf-8")
    assert plan == place.terraform().saved()
    with pytest.raises(GateFailed, match="no longer"):
        place.terraform(TF_VAR_word="bye").saved()


def test_drift_before_the_first_apply_is_bad_input(place: Place) -> None:
    """There is nothing that could have been changed; Terraform is not even asked."""
    with pytest.raises(InputError, match="there is no state"):
        place.terraform().drift(place.log, place.said.append)


def test_what_is_only_not_applied_yet_is_no_drift(place: Place) -> None:
    """It is counted apart; no plan is kept of it, and the state stays as it is."""
    place.apply(place.plan())
    assert Drift(()) == place.terraform().drift(place.log, place.said.append)
    (place.environment / "terraform.tfvars").write_text('word = "bye"\n', encoding="utf-8")
    state = place.state.read_bytes()
    plans = sorted(place.cache.rglob("plans/*"))

    assert Drift((), pending=1) == place.terraform().drift(place.log, place.said.append)
    assert (state, plans) == (place.state.read_bytes(), sorted(place.cache.rglob("plans/*")))


def test_drift_is_seen_while_somebody_holds_the_state(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no lock, so it can neither be kept out nor leave one behind; a plan does and is."""
    monkeypatch.setattr("deployer.tools.terraform_program._LOCK_TIMEOUT", "-lock-timeout=0s")
    place.apply(place.plan())
    # As Terraform's local backend locks: a POSIX lock, of another process since one's own are no obstacle.
    script = "import fcntl, sys; s = open(sys.argv[1], 'r+'); fcntl.lockf(s, fcntl.LOCK_EX); print('held', flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", f"{script}; input()", str(place.state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert "held\n" == holder.stdout.readline()
        with pytest.raises(DeployError, match="lock"):
            place.terraform().plan(COMMIT, place.log, place.said.append)
        assert Drift(()) == place.terraform().drift(place.log, place.said.append)
        holder.communicate("\n")


def test_plan_file_is_its_owners_alone(place: Place) -> None:
    """A plan holds secrets in the clear."""
    plan = place.plan()

    assert 0o600 == plan.path.stat().st_mode & 0o777
    assert 0o700 == plan.path.parent.stat().st_mode & 0o777


def test_old_plans_are_dropped(place: Place) -> None:
    """The newest five are enough."""
    plans = []
    for number in range(6):
        (place.environment / "terraform.tfvars").write_text(f'word = "{number}"\n', encoding="utf-8")
        plans.append(place.plan())

    assert not plans[0].path.exists()
    assert all(plan.path.exists() for plan in plans[1:])


def test_configuration_error_names_file_line_and_reason(place: Place) -> None:
    """What is wrong and where, in one line."""
    place.write("broken.tf", 'resource "terraform_data" "x" {\n  input = var.nothing\n}\n')
    with pytest.raises(GateFailed) as caught:
        place.plan()

    assert "broken.tf:2" in caught.value.seen
    assert "undeclared input variable" in caught.value.seen
    assert caught.value.log == place.log


def test_what_was_read_of_the_topology_is_forgotten_by_an_apply(place: Place) -> None:
    """A recovery reads it before the apply that may replace a listener; planning changes nothing."""
    plan = place.plan()
    assert [] == place.forgotten
    assert [] == place.tagged, "who only plans may not, and has decided nothing"

    place.apply(plan)

    assert ["topology"] == place.forgotten
    assert ["state"] == place.tagged


def test_failed_apply_names_the_resource_and_continues_later(place: Place) -> None:
    """A resource that fails is named; what came before it stays in the state."""
    place.write(
        "bad.tf",
        'resource "terraform_data" "bad" {\n  depends_on = [terraform_data.page]\n'
        '  provisioner "local-exec" { command = "test -e go" }\n}\n',
    )
    with pytest.raises(ReleaseFailed, match=r"terraform_data\.bad") as caught:
        place.apply(place.plan())
    assert "run it again" in caught.value.hint
    assert "terraform_data" in place.state.read_text(encoding="utf-8")

    place.write("go", "")
    again = place.plan()
    assert "terraform_data.page" not in [change.address for change in again.changes]
    place.apply(again)


def test_a_clean_plan_is_not_made_again(place: Place) -> None:
    """Until the configuration, a variable or the state's serial changes, or everything is asked for anew."""
    assert place.terraform().unchanged() is None
    place.apply(place.plan())
    assert place.terraform().unchanged() is None, "what was just applied has not been planned clean yet"
    clean = place.plan()

    known = place.terraform().unchanged()
    assert known is not None
    assert (clean.sha256, (), True) == (known.sha256, known.changes, known.planned_at is not None)
    assert place.terraform(fresh=True).unchanged() is None
    assert place.terraform(TF_VAR_word="bye").unchanged() is None
    place.write("more.txt", "a file that a module may read")
    assert place.terraform().unchanged() is None
    (place.configuration / "more.txt").unlink()
    assert place.terraform().unchanged() is not None
    (place.environment / "terraform.tfvars").write_text('word = "hallo"\n', encoding="utf-8")
    place.apply(place.plan())
    (place.environment / "terraform.tfvars").write_text('word = "hello"\n', encoding="utf-8")
    assert place.terraform().unchanged() is None, "the state has another serial"


def test_a_damaged_note_of_a_clean_plan_counts_for_nothing(place: Place) -> None:
    """It costs a plan, never an error."""
    place.apply(place.plan())
    place.plan()
    note = next(place.cache.rglob("clean.json"))
    note.write_text(note.read_text(encoding="utf-8")[:40], encoding="utf-8")

    assert place.terraform().unchanged() is None


@pytest.mark.timeout(60)
def test_state_lock_says_who_holds_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run is told who holds the state, since when, and how to break the lock."""
    monkeypatch.setattr("deployer.tools.terraform_program._LOCK_TIMEOUT", "-lock-timeout=0s")
    place.write("slow.tf", WAITS)
    plan = place.plan()
    failures: list[DeployError] = []
    thread = threading.Thread(target=background, args=(place, plan, failures))
    thread.start()
    try:
        wait_for(place.configuration / "started", thread)
        with pytest.raises(Locked, match=r"the state is locked by .+ since 2") as caught:
            place.terraform().plan(COMMIT, place.log, place.said.append)
        assert "OperationTypeApply" in caught.value.hint
        assert "force-unlock" in caught.value.hint
    finally:
        place.write("go", "")
        thread.join()
    assert [] == failures


@pytest.mark.timeout(60)
def test_interrupted_apply_keeps_its_state_and_gives_the_lock_back(place: Place) -> None:
    """When the runner stops everything, Terraform finishes what it holds and saves it."""
    place.write("slow.tf", WAITS)
    plan = place.plan()
    failures: list[DeployError] = []
    thread = threading.Thread(target=background, args=(place, plan, failures))
    thread.start()
    wait_for(place.configuration / "started", thread)
    process.stop_all()
    thread.join()

    assert [Interrupted] == [type(failure) for failure in failures]
    assert "terraform_data" in place.state.read_text(encoding="utf-8")
    assert not place.plan().empty


def background(place: Place, plan: Plan, failures: list[DeployError]) -> None:
    """Apply in a thread of its own."""
    try:
        place.terraform().apply(plan, place.log.with_name("background.log"), lambda _: None)
    except DeployError as error:
        failures.append(error)


def wait_for(file: Path, thread: threading.Thread) -> None:
    """Wait until `file` appears; fail when the thread that should make it has ended."""
    while not file.exists():
        assert thread.is_alive(), f"{file} never appeared"
        thread.join(0.02)


def test_missing_terraform_says_how_to_get_it(place: Place) -> None:
    """Without Terraform there is one clear line."""
    with pytest.raises(Unreachable) as caught:
        place.terraform(PATH=str(place.cache)).prepare(place.said.append)

    assert "hashicorp.com/terraform/install" in caught.value.hint


def test_old_terraform_is_refused(place: Place) -> None:
    """A version that is too old is named."""
    old = place.cache / "bin" / "terraform"
    old.parent.mkdir(parents=True)
    old.write_text('#!/bin/sh\necho \'{"terraform_version": "1.10.5"}\'\n', encoding="utf-8")
    old.chmod(0o755)
    with pytest.raises(Unreachable, match=r"1\.10\.5 is too old"):
        place.terraform(PATH=f"{old.parent}:{os.environ['PATH']}").prepare(place.said.append)


def test_users_terraform_variables_do_not_leak(place: Place) -> None:
    """Arguments and workspaces of the user's shell change nothing."""
    terraform = place.terraform(TF_CLI_ARGS="-no-such-option", TF_WORKSPACE="other", TF_CLI_CONFIG_FILE="/nowhere/rc")
    terraform.prepare(place.said.append)

    assert not terraform.plan(COMMIT, place.log, place.said.append).empty


def test_local_cloud_never_sees_the_users_credentials(place: Place) -> None:
    """Against the local cloud every AWS variable is ours."""
    terraform = Terraform(
        environment(place.environment / "terraform.tfvars"),
        configuration=place.configuration,
        cache=place.cache,
        instance="x",
        endpoint_url="http://127.0.0.1:4566",
        bootstrap=place.bootstrap,
        read_serial=place.serial,
        read_topology=never,
        forget_topology=never,
        tag_state=never,
        environ={
            "PATH": os.environ["PATH"],
            "HOME": str(place.cache),
            "AWS_PROFILE": "production",
            "AWS_SESSION_TOKEN": "real",
        },
    )
    aws = {name: value for name, value in terraform._program.environment.items() if name.startswith("AWS_")}

    assert "AWS_PROFILE" not in aws
    assert "AWS_SESSION_TOKEN" not in aws
    assert ("test", "http://127.0.0.1:4566") == (aws["AWS_ACCESS_KEY_ID"], aws["AWS_ENDPOINT_URL"])
    assert 'endpoints = { s3 = "http://127.0.0.1:4566" }' in terraform._init.backend_file().read_text(encoding="utf-8")
    assert 'bucket = "indivillage-dev-state-000000000000"' in terraform._init.backend_file().read_text(encoding="utf-8")
    assert "kms_key_id" not in terraform._init.backend_file().read_text(encoding="utf-8")


def test_on_aws_the_state_is_encrypted_with_the_environment_s_key(place: Place) -> None:
    """What Terraform asks for itself comes before the bucket's default."""
    terraform = Terraform(
        dataclasses.replace(environment(place.environment / "terraform.tfvars"), cloud="aws"),
        configuration=place.configuration,
        cache=place.cache,
        instance="x",
        endpoint_url=None,
        bootstrap=place.bootstrap,
        read_serial=place.serial,
        read_topology=never,
        forget_topology=never,
        tag_state=never,
        environ={"PATH": os.environ["PATH"], "HOME": str(place.cache)},
    )

    assert 'kms_key_id = "alias/indivillage-dev-state"' in terraform._init.backend_file().read_text(encoding="utf-8")


def test_environments_do_not_share_data(place: Place) -> None:
    """Each environment and each cloud has a data folder of its own."""
    other = dataclasses.replace(environment(place.environment / "terraform.tfvars"), short_name="staging")
    folders = {
        Terraform(
            each,
            configuration=place.configuration,
            cache=place.cache,
            instance=instance,
            endpoint_url=None,
            bootstrap=place.bootstrap,
            read_serial=place.serial,
            read_topology=never,
            forget_topology=never,
            tag_state=never,
            environ={"PATH": "", "HOME": str(place.cache)},
        )._program.environment["TF_DATA_DIR"]
        for each in (other, environment(place.environment / "terraform.tfvars"))
        for instance in ("one", "two")
    }

    assert 4 == len(folders)
