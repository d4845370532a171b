"""What a container definition asks for and MiniStack leaves out: user, read-only root, capabilities, volumes, health.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
A volume without a host path is a tmpfs of its own for each container that mounts it, open to every user (1777).
"""

from collections.abc import Mapping
from typing import Any

from localcloud.extension.emulator import replace

SECOND_NS = 1_000_000_000
DEFAULT_STOP_S = 30

Definition = Mapping[str, Any]


def install(ecs: Any) -> None:
    """Complete the arguments with which MiniStack starts a task's container, and pull only what is not here."""
    build, run = ecs._build_run_kwargs, ecs._run_docker_container

    def build_run_kwargs(cdef: Definition, td: Definition, *args: Any, **kwargs: Any) -> dict[str, Any]:
        wanted = {**build(cdef, td, *args, **kwargs), **options(cdef, td)}
        return {**wanted, "environment": with_credentials(wanted.get("environment") or {})}

    def run_container(client: Any, cdef: Definition, run_kwargs: Any, **kwargs: Any) -> Any:
        refresh_image = kwargs.pop("refresh_image", False)
        # A digest names one content for ever: if the engine has it, asking the registry again costs half a second.
        known = refresh_image and "@sha256:" in cdef["image"] and _present(client, cdef["image"])
        return run(client, cdef, run_kwargs, refresh_image=refresh_image and not known, **kwargs)

    replace(ecs, "_build_run_kwargs", build_run_kwargs)
    replace(ecs, "_run_docker_container", run_container)


def options(cdef: Definition, td: Definition) -> dict[str, Any]:
    """Keyword arguments of docker-py's ``containers.run`` for one container definition of task definition TD."""
    linux = cdef.get("linuxParameters") or {}
    wanted: dict[str, Any] = {
        "user": cdef.get("user"),
        "working_dir": cdef.get("workingDirectory"),
        "read_only": cdef.get("readonlyRootFilesystem"),
        "entrypoint": cdef.get("entryPoint"),
        "init": linux.get("initProcessEnabled"),
        "cap_drop": (linux.get("capabilities") or {}).get("drop"),
        "tmpfs": _tmpfs(cdef, td, linux),
    }
    # ECS does not look at a HEALTHCHECK of the image, so it must not cost anything either.
    health = _health(cdef.get("healthCheck")) or {"test": ["NONE"]}
    return {name: value for name, value in wanted.items() if value} | {"healthcheck": health}


def with_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of a task, with credentials that SDKs accept.

    MiniStack hands out a credentials address in the cloud's network; botocore takes only ECS's own (169.254.170.2) and
    loopback, and fails on any other. The emulator accepts every key, so a task gets the account's `test` directly.
    """
    theirs = {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"}
    kept = {name: value for name, value in environment.items() if name not in theirs}
    return {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", **kept}


def stop_timeout_s(cdef: Definition) -> int:
    """How long the container may take between SIGTERM and SIGKILL."""
    return int(cdef.get("stopTimeout") or DEFAULT_STOP_S)


def _tmpfs(cdef: Definition, td: Definition, linux: Mapping[str, Any]) -> dict[str, str]:
    ephemeral = {one["name"] for one in td.get("volumes", ()) if not (one.get("host") or {}).get("sourcePath")}
    mounts = {
        one["containerPath"]: "mode=1777,ro" if one.get("readOnly") else "mode=1777"
        for one in cdef.get("mountPoints", ())
        if one.get("sourceVolume") in ephemeral
    }
    for one in linux.get("tmpfs") or ():
        mounts[one["containerPath"]] = ",".join([f"size={one['size']}m", *one.get("mountOptions", ())])
    return mounts


def _health(check: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """ECS's healthCheck (seconds) as Docker's (nanoseconds), with ECS's defaults."""
    if not check:
        return None
    return {
        "test": list(check["command"]),
        "interval": int(check.get("interval", 30)) * SECOND_NS,
        "timeout": int(check.get("timeout", 5)) * SECOND_NS,
        "retries": int(check.get("retries", 3)),
        "start_period": int(check.get("startPeriod", 0)) * SECOND_NS,
    }


def _present(client: Any, image: str) -> bool:
    from docker.errors import ImageNotFound

    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True
