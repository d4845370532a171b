"""terraform.tfvars becomes an Environment, or one line that names the file and the key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployer import config
from deployer.errors import ConfigError, InputError
from deployer.model import Environment, Limits, Scaling, Service, Step
from tests.examples import ROOT

DEVELOPMENT = config.ENVIRONMENTS_FOLDER / "development" / "terraform.tfvars"
TEXT = (ROOT / DEVELOPMENT).read_text(encoding="utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that holds the development environment."""
    write(tmp_path, TEXT)
    return tmp_path


def write(root: Path, text: str, environment: str = "development") -> None:
    """Let `environment` be described by `text`."""
    path = root / config.ENVIRONMENTS_FOLDER / environment / "terraform.tfvars"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def failure(root: Path, text: str) -> ConfigError:
    """The error that `text` leads to."""
    write(root, text)
    with pytest.raises(ConfigError) as caught:
        config.load(root, "dev")
    return caught.value


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("dev", "development"),
        ("development", "development"),
        ("staging", "staging"),
        ("prod", "production"),
        ("production", "production"),
    ],
)
def test_long_and_short_names(name: str, folder: str) -> None:
    """Both mean the same folder."""
    assert folder == config.folder(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("devel", "did you mean --env=dev?"),
        ("stage", "did you mean --env=staging?"),
        ("produktion", "did you mean --env=production?"),
        ("qa", "known are --env=dev, --env=staging and --env=prod"),
        ("", "known are --env=dev, --env=staging and --env=prod"),
        ("../production", "did you mean --env=production?"),
    ],
)
def test_an_unknown_name_names_the_nearest(name: str, hint: str) -> None:
    """Exit code 2 and what was probably meant; a path is not a name."""
    with pytest.raises(InputError) as caught:
        config.folder(name)

    assert (f"there is no environment named {name!r}", hint) == (caught.value.seen, caught.value.hint)


def test_development_as_shipped(checkout: Path) -> None:
    """The file that Terraform reads too."""
    read = config.load(checkout, "dev")

    wanted = Environment(
        name="development",
        short_name="dev",
        domain="dev.indivillage.com",
        region="ap-south-1",
        replica_region="ap-southeast-1",
        account_id="000000000000",
        cloud="local",
        branch="develop",
        strategy="rolling",
        steps=(Step(100, 0),),
        bake_factor=1.0,
        steady_timeout_s=300,
        limits=Limits(5, 1500, 1),
        scaling=Scaling(1, 2),
        services={
            "backend": Service("backend", 256, 512, 1, 8080, "/readyz", {}),
            "frontend": Service("frontend", 256, 512, 1, 8080, "/healthz", {}),
        },
        tfvars=checkout / DEVELOPMENT,
        config_hash=read.config_hash,
        tags={
            "project": "indivillage",
            "environment": "development",
            "version": "1.0.0",
            "deployment": "develop-rolling",
            "owner": "platform-team",
            "cost_centre": "website-development",
        },
    )
    assert wanted == read


@pytest.mark.parametrize(("name", "owns"), [("dev", "false"), ("staging", "true")])
def test_a_rehearsal_is_not_in_the_account_on_aws(checkout: Path, name: str, owns: str) -> None:
    """The local cloud is one account, in which development makes what an account has once, whatever the file says."""
    folder = config.folder(name)
    shipped = (ROOT / config.ENVIRONMENTS_FOLDER / folder / "terraform.tfvars").read_text(encoding="utf-8")
    moved = shipped.replace("000000000000", "123456789012").replace('"local"', '"aws"')
    moved = re.sub(r"^owns_account.*\n", "", moved, flags=re.MULTILINE)
    write(checkout, f"{moved}\nowns_account = {owns}\n", folder)

    there, here = config.load(checkout, name), config.load(checkout, name, "local")

    assert (there.account_id, config.terraform_variables(there)) == ("123456789012", {"cloud": "aws"})
    assert here.state_bucket == f"indivillage-{name}-state-000000000000"
    mine = {"cloud": "local", "account_id": "000000000000", "owns_account": "true" if name == "dev" else "false"}
    assert mine == config.terraform_variables(here)


def test_the_hash_follows_every_value_and_nothing_else(checkout: Path) -> None:
    """Also values that only Terraform uses; comments do not matter."""
    before = config.load(checkout, "dev").config_hash
    write(checkout, f"# a comment\n{TEXT}")
    commented = config.load(checkout, "dev").config_hash
    write(checkout, TEXT.replace("latency_p95_ms     = 1500", "latency_p95_ms     = 1501"))
    changed = config.load(checkout, "dev").config_hash

    assert (True, False) == (before == commented, before == changed)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Relative to the checkout, as people know it."""
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path, "prod")

    assert f"{config.ENVIRONMENTS_FOLDER}/production/terraform.tfvars does not exist" == caught.value.seen


@pytest.mark.parametrize(
    ("old", "new", "below", "key"),
    [
        ("memory      = 512", "memory      =", 0, "memory"),
        ("enabled = true\n}", "enabled = true\n", 2, "enabled"),
        ("[{ weight_percent", "[{{ weight_percent", 0, "steps"),
    ],
)
def test_malformed_hcl_names_file_line_and_key(checkout: Path, old: str, new: str, below: int, key: str) -> None:
    """Where reading stopped, which is at the mistake or right after it."""
    line = TEXT[: TEXT.index(old)].count("\n") + 1 + below

    error = failure(checkout, TEXT.replace(old, new, 1))

    assert f"{DEVELOPMENT}, line {line} (near {key!r}): this is not valid HCL" == error.seen


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{ a = ", "}")])
def test_nesting_without_end_is_not_valid(checkout: Path, opening: str, closing: str) -> None:
    """No RecursionError reaches the user."""
    deep = f"{opening * 3000}1{closing * 3000}"

    assert f"{DEVELOPMENT}: this is not valid HCL" == failure(checkout, f"{TEXT}x = {deep}\n").seen


def test_a_file_that_is_no_text_is_named(checkout: Path) -> None:
    """Saved in another encoding."""
    (checkout / DEVELOPMENT).write_bytes(TEXT.encode() + b"# \xe9\n")

    with pytest.raises(ConfigError, match=f"{DEVELOPMENT}: 'utf-8' codec"):
        config.load(checkout, "dev")


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ('branch         = "develop"\n', "", "branch is missing"),
        ("    count       = 1\n", "", "services.frontend.count is missing"),
        (
            "steady_timeout_s = 300",
            'steady_timeout_s = "soon"',
            "deployment.steady_timeout_s is 'soon': Input should be",
        ),
        ("weight_percent = 100", "weight_percent = 101", "deployment.steps.0.weight_percent is 101: Input should be"),
        ("cpu         = 256", "cpu         = 300", "services.frontend.cpu is 300: Input should be 256, 512"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(checkout: Path, old: str, new: str, seen: str) -> None:
    """File, key and what is wrong with it."""
    assert old in TEXT

    assert failure(checkout, TEXT.replace(old, new, 1)).seen.startswith(f"{DEVELOPMENT}: {seen}")


def test_all_problems_are_told_at_once(checkout: Path) -> None:
    """The first in the message, the others under it."""
    error = failure(checkout, TEXT.replace("    count       = 1\n", ""))

    assert f"{DEVELOPMENT}: services.backend.count is missing" == error.seen
    assert ("services.frontend.count is missing",) == error.details


def test_a_file_in_the_wrong_folder_is_refused(checkout: Path) -> None:
    """A copy that was never finished must not have --env=prod change dev."""
    write(checkout, TEXT, "production")

    with pytest.raises(ConfigError) as caught:
        config.load(checkout, "prod")

    assert "name and short_name are 'development' and 'dev'" in caught.value.seen
    assert "'production' and 'prod'" in caught.value.hint


def test_a_stand_in_says_so(checkout: Path) -> None:
    """Whoever makes one names it in the environment's own file; as shipped there is none."""
    shipped = config.load(checkout, "dev").stand_in
    write(checkout, TEXT + "stand_in = true\n")

    assert (False, True) == (shipped, config.load(checkout, "dev").stand_in)


def test_cloud_local_rehearses_an_aws_environment(checkout: Path) -> None:
    """The same file, elsewhere; the hash tells them apart."""
    write(checkout, TEXT.replace('cloud          = "local"', 'cloud          = "aws"'))

    as_written, rehearsed = config.load(checkout, "dev"), config.load(checkout, "dev", "local")

    assert ("aws", "local") == (as_written.cloud, rehearsed.cloud)
    assert as_written.config_hash != rehearsed.config_hash


def test_a_local_environment_is_not_taken_to_aws(checkout: Path) -> None:
    """Its account id is not a real one: exit code 2 before anything is asked of AWS."""
    with pytest.raises(InputError, match='says cloud = "local"'):
        config.load(checkout, "dev", "aws")


def test_an_unknown_cloud(checkout: Path) -> None:
    """The two that there are."""
    with pytest.raises(InputError) as caught:
        config.load(checkout, "dev", "azure")

    assert ("--cloud=azure is not known", "use --cloud=local or --cloud=aws") == (caught.value.seen, caught.value.hint)


def cached(root: Path) -> list[Path]:
    """What was noted: the file as it was parsed, and what the schema made of that."""
    return sorted((root / ".cache" / "tfvars").iterdir())


def test_the_second_reading_comes_from_the_cache(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grammar and schema cost a second together: the same content is neither parsed nor checked twice."""
    first = config.load(checkout, "dev")
    monkeypatch.setattr(config, "_parse_hcl", None)
    monkeypatch.setattr("deployer.tfvars.validate", None)

    assert first == config.load(checkout, "dev")


def test_a_file_that_was_refused_is_refused_again(checkout: Path) -> None:
    """Only what has passed is remembered."""
    broken = TEXT.replace('cloud          = "local"', 'cloud          = "moon"')

    assert failure(checkout, broken).seen == failure(checkout, broken).seen


def test_another_schema_checks_anew(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older deployer let pass proves nothing to this one."""
    config.load(checkout, "dev")
    other = tmp_path / "tfvars.py"
    other.write_text("# another schema", encoding="utf-8")
    monkeypatch.setattr(config, "SCHEMA", other)
    monkeypatch.setattr("deployer.tfvars.validate", lambda _: ("branch is out of fashion",))

    with pytest.raises(ConfigError, match="branch is out of fashion"):
        config.load(checkout, "dev")


@pytest.mark.parametrize("damage", [b"", b'{"name": "devel', b"\xff\xfe", b"[1, 2]", b"null"])
def test_a_damaged_cache_is_ignored_and_mended(checkout: Path, damage: bytes) -> None:
    """The file itself is the truth."""
    good = config.load(checkout, "dev")
    whole = [path.read_bytes() for path in cached(checkout)]
    for path in cached(checkout):
        path.write_bytes(damage)

    assert good == config.load(checkout, "dev")
    assert whole == [path.read_bytes() for path in cached(checkout)]


def test_a_cache_that_cannot_be_written_is_done_without(checkout: Path) -> None:
    """A read-only checkout costs the second again, nothing else."""
    (checkout / ".cache").write_text("a file where a folder should be", encoding="utf-8")

    assert "develop" == config.load(checkout, "dev").branch


@pytest.mark.parametrize(("cloud", "expected"), [("local", 1), ("aws", 120)])
def test_how_often_metrics_come(checkout: Path, cloud: str, expected: int) -> None:
    """As the file says on AWS, every second on the local cloud."""
    text = TEXT.replace("latency_p95_ms     = 1500", "latency_p95_ms     = 1500\n  period_s           = 120")
    write(checkout, text.replace('cloud          = "local"', f'cloud          = "{cloud}"'))

    assert expected == config.load(checkout, "dev").limits.period_s
