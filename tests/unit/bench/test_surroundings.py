"""What measured programs find in their environment."""

from __future__ import annotations

from pathlib import Path

from tests.bench.surroundings import of_cloud, of_script, of_user


def test_a_cold_user_has_no_cache_no_key_and_no_ci(tmp_path: Path) -> None:
    """But the PATH of the machine, without our own session in it."""
    session = tmp_path / "session"
    given = {
        "HOME": str(tmp_path / "before"),
        "PATH": f"{session}/bin:/usr/bin",
        "UV_CACHE_DIR": "/warm",
        "XDG_CACHE_HOME": "/warm",
        "AWS_PROFILE": "production",
        "CI": "true",
        "NOX_CURRENT_SESSION": "bench",
        "VIRTUAL_ENV": str(session),
        "DOCKER_HOST": "unix:///run/docker.sock",
    }

    assert {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin",
        "DOCKER_HOST": "unix:///run/docker.sock",
        "NO_COLOR": "1",
    } == of_user(tmp_path, given, session)


def test_a_fresh_home_keeps_how_the_machine_is_reached(tmp_path: Path) -> None:
    """Settings are no caches; one that names nothing is not handed on."""
    before = tmp_path / "before"
    (before / ".docker").mkdir(parents=True)
    (before / ".config" / "pip").mkdir(parents=True)
    (before / ".config" / "pip" / "pip.conf").touch()
    given = {"HOME": str(before), "PATH": "/bin", "TF_CLI_CONFIG_FILE": "/gone", "UV_CONFIG_FILE": "/bin"}
    user = of_user(tmp_path, given, tmp_path)

    assert (str(before / ".docker"), str(before / ".config/pip/pip.conf")) == (
        user["DOCKER_CONFIG"],
        user["PIP_CONFIG_FILE"],
    )
    assert "/bin" == user["UV_CONFIG_FILE"]
    assert "TF_CLI_CONFIG_FILE" not in user


def test_the_script_uses_the_tools_of_the_checkout_and_our_aws(tmp_path: Path) -> None:
    """In this order, so that python3 and nox are the checkout's."""
    path = of_script({"PATH": "/usr/bin"}, tmp_path / "clone", tmp_path / "session")["PATH"]

    assert f"{tmp_path}/clone/.venv/bin:{tmp_path}/session/bin:/usr/bin" == path


def test_other_tools_get_no_key_but_the_emulators() -> None:
    """They must not reach an account."""
    env = of_cloud({"PATH": "/usr/bin"}, "http://127.0.0.1:4566", Path("/session"))

    assert ("test", "http://127.0.0.1:4566", "/session/bin:/usr/bin") == (
        env["AWS_SECRET_ACCESS_KEY"],
        env["AWS_ENDPOINT_URL"],
        env["PATH"],
    )
