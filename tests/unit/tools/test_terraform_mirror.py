"""Where Terraform's providers are found, on little folder trees."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deployer.errors import InputError
from deployer.tools.terraform_mirror import Mirror, Mirrors, machine, usable


def mirror_at(folder: Path, *, packed: bool = False) -> Path:
    """Make a folder a mirror with the AWS provider for this machine."""
    provider = folder / "registry.terraform.io" / "hashicorp" / "aws"
    if packed:
        provider.mkdir(parents=True)
        (provider / f"terraform-provider-aws_5.100.0_{machine()}.zip").touch()
    else:
        (provider / "5.100.0" / machine()).mkdir(parents=True)
        (provider / "5.100.0" / machine() / "terraform-provider-aws_v5.100.0_x5").touch()
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Path:
    """An empty home."""
    home = tmp_path / "home"
    home.mkdir()
    return home


def mirrors(tmp_path: Path, *roots: str, **environ: str) -> Mirrors:
    """Build the finder over folders of the test alone."""
    # XDG_DATA_DIRS keeps this machine's own /usr/share out of the test.
    environ = {"XDG_DATA_DIRS": str(tmp_path / "share"), **environ}
    return Mirrors(tmp_path / ".cache", environ, home=tmp_path / "home", roots=roots)


def test_named_mirror_comes_first(tmp_path: Path, home: Path) -> None:
    """TF_PLUGIN_MIRROR beats what would be found."""
    mirror_at(home / ".terraform.d" / "plugins")
    named = mirror_at(tmp_path / "named")

    assert Mirror(named, packed=False) == mirrors(tmp_path, TF_PLUGIN_MIRROR=str(named)).find()


def test_named_mirror_that_is_none_is_an_error(tmp_path: Path, home: Path) -> None:
    """What the user names must be right: nothing else is taken silently."""
    mirror_at(home / ".terraform.d" / "plugins")
    with pytest.raises(InputError, match=f"hashicorp/aws for {machine()}"):
        mirrors(tmp_path, TF_PLUGIN_MIRROR=str(tmp_path / "nowhere")).find()


@pytest.mark.parametrize(
    "place", ["home/.terraform.d/plugins", "home/.local/share/terraform/plugins", "share/terraform/plugins"]
)
def test_implied_folders(tmp_path: Path, place: str) -> None:
    """Terraform's own places are known."""
    expected = mirror_at(tmp_path / place)

    assert Mirror(expected, packed=False) == mirrors(tmp_path).find()


def test_search_finds_a_near_mirror(tmp_path: Path) -> None:
    """A mirror a few folders below a root is found; the nearer of two."""
    mirror_at(tmp_path / "opt" / "a" / "b" / "far")
    near = mirror_at(tmp_path / "opt" / "z-near")

    assert Mirror(near, packed=False) == mirrors(tmp_path, str(tmp_path / "opt")).find()


def test_search_is_bounded_in_depth(tmp_path: Path) -> None:
    """What lies too deep is not looked for."""
    mirror_at(tmp_path / "opt" / "1" / "2" / "3" / "4" / "5")

    assert mirrors(tmp_path, str(tmp_path / "opt")).find() is None


def test_search_is_bounded_in_time(tmp_path: Path, home: Path) -> None:
    """When time is up there is no mirror, and no error."""
    mirror_at(tmp_path / "opt" / "x")
    clock = iter(range(0, 1000, 10))
    finder = Mirrors(
        tmp_path / ".cache",
        {"XDG_DATA_DIRS": "/nowhere"},
        home=home,
        roots=[str(tmp_path / "opt")],
        monotonic=lambda: float(next(clock)),
    )

    assert finder.find() is None


def test_a_projects_own_provider_folder_is_no_mirror(tmp_path: Path) -> None:
    """.terraform comes and goes with its project."""
    mirror_at(tmp_path / "opt" / "project" / ".terraform" / "providers")

    assert mirrors(tmp_path, str(tmp_path / "opt")).find() is None


def test_mirror_for_another_machine_is_none(tmp_path: Path) -> None:
    """A provider for another platform does not help."""
    (tmp_path / "registry.terraform.io" / "hashicorp" / "aws" / "5.100.0" / "plan9_mips").mkdir(parents=True)

    assert usable(tmp_path) is None


def test_find_is_remembered_while_it_lasts(tmp_path: Path) -> None:
    """The second time there is no search; a mirror that went away is searched for again."""
    first = mirror_at(tmp_path / "opt" / "first")
    assert Mirror(first, packed=False) == mirrors(tmp_path, str(tmp_path / "opt")).find()
    mirror_at(tmp_path / "opt" / "a-nearer-one")
    assert Mirror(first, packed=False) == mirrors(tmp_path, str(tmp_path / "opt")).find()
    first.rename(tmp_path / "gone")

    found = mirrors(tmp_path, str(tmp_path / "opt")).find()
    assert Mirror(tmp_path / "opt" / "a-nearer-one", packed=False) == found


def test_nothing_found_is_not_remembered(tmp_path: Path) -> None:
    """A mirror that is installed later is seen."""
    assert mirrors(tmp_path, str(tmp_path / "opt")).find() is None
    mirror_at(tmp_path / "opt" / "x")

    assert mirrors(tmp_path, str(tmp_path / "opt")).find() is not None


def test_damaged_note_is_ignored(tmp_path: Path) -> None:
    """A half-written note is as good as none."""
    (tmp_path / ".cache" / "terraform").mkdir(parents=True)
    (tmp_path / ".cache" / "terraform" / "mirror.json").write_text("{", encoding="utf-8")
    mirror_at(tmp_path / "opt" / "x")

    assert mirrors(tmp_path, str(tmp_path / "opt")).find() is not None


def test_users_configuration_file_wins_if_it_is_there(tmp_path: Path, home: Path) -> None:
    """A file that exists is honoured, one that does not is ignored."""
    mirror_at(home / ".terraform.d" / "plugins")
    own = tmp_path / "own.rc"
    ours = str(tmp_path / ".cache" / "terraform" / "terraform.rc")
    assert ours == mirrors(tmp_path, TF_CLI_CONFIG_FILE=str(own)).environment()["TF_CLI_CONFIG_FILE"]
    own.touch()

    assert {"TF_CLI_CONFIG_FILE": str(own)} == mirrors(tmp_path, TF_CLI_CONFIG_FILE=str(own)).environment()


def test_terraformrc_in_the_home_is_honoured(tmp_path: Path, home: Path) -> None:
    """Terraform's default file counts as the user's word, unless TF_PLUGIN_MIRROR is a newer one."""
    (home / ".terraformrc").touch()
    named = mirror_at(tmp_path / "named")

    assert {"TF_CLI_CONFIG_FILE": str(home / ".terraformrc")} == mirrors(tmp_path).environment()
    ours = mirrors(tmp_path, TF_PLUGIN_MIRROR=str(named)).environment()["TF_CLI_CONFIG_FILE"]
    assert f'path    = "{named}"' in Path(ours).read_text(encoding="utf-8")


def test_without_a_mirror_the_registry_is_used_with_a_cache(tmp_path: Path) -> None:
    """Then a plugin cache saves downloads: a folder that exists, or Terraform would refuse it."""
    variables = mirrors(tmp_path).environment()

    assert {"TF_PLUGIN_CACHE_DIR"} == set(variables)
    assert Path(variables["TF_PLUGIN_CACHE_DIR"]).is_dir()


def test_packed_mirror_gets_a_cache_and_an_unpacked_one_does_not(tmp_path: Path) -> None:
    """Unpacking for every environment would cost 700 MB each; links cost nothing."""
    packed, unpacked = mirror_at(tmp_path / "packed", packed=True), mirror_at(tmp_path / "unpacked")

    assert "TF_PLUGIN_CACHE_DIR" in mirrors(tmp_path, TF_PLUGIN_MIRROR=str(packed)).environment()
    assert "TF_PLUGIN_CACHE_DIR" not in mirrors(tmp_path, TF_PLUGIN_MIRROR=str(unpacked)).environment()


def test_terraform_takes_the_file_and_looks_into_the_mirror(tmp_path: Path, home: Path) -> None:
    """The real Terraform reads our file, and finds the versions that the mirror has and no registry."""
    folder = mirror_at(tmp_path / 'odd "name"')
    variables = mirrors(tmp_path, TF_PLUGIN_MIRROR=str(folder)).environment()
    (tmp_path / "main.tf").write_text(
        'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws", version = "9.9.9" }\n  }\n}\n',
        encoding="utf-8",
    )
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "CHECKPOINT_DISABLE": "1", **variables}
    done = subprocess.run(
        ["terraform", "init", "-no-color"], cwd=tmp_path, env=env, check=False, capture_output=True, text=True
    )

    assert 1 == done.returncode
    assert "no available releases match" in " ".join(done.stderr.replace("│", " ").split())
