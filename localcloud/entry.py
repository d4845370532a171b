"""What runs inside the cloud's container: MiniStack's own main, with our extension in place before it starts.

Environment: ``LOCALCLOUD_NAME`` (the instance: its container, network and label), ``LOCALCLOUD_HOME`` (state volume),
``LOCALCLOUD_POSTGRES`` and ``LOCALCLOUD_REDIS`` (the images that RDS and ElastiCache start); the variables in
``settings`` are MiniStack's own.
"""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localcloud.extension import (
    actions,
    blobs,
    cloudwatch,
    ecs_options,
    elb,
    emulator,
    engine,
    gateway,
    logs,
    rds_filters,
    schedules,
    state,
    target_health,
)
from localcloud.extension.access_log import AccessLog
from localcloud.extension.dataplane import DataPlane
from localcloud.extension.ecs_rollout import Rollouts
from localcloud.extension.ecs_sandbox import TaskSandboxes
from localcloud.extension.ecs_stop import TaskStopper
from localcloud.extension.ecs_watch import TaskWatcher
from localcloud.extension.elb_metrics import Publisher
from localcloud.extension.haproxy import HAProxy
from localcloud.names import STATE_FOLDER

HOME = Path(os.environ.get("LOCALCLOUD_HOME", STATE_FOLDER))
RUN = Path("/run/localcloud")
DATABASES = (("postgres:15", "LOCALCLOUD_POSTGRES"), ("redis:7", "LOCALCLOUD_REDIS"))


def settings(instance: str, home: Path) -> dict[str, str]:
    """MiniStack's environment for the cloud named INSTANCE, with its state under HOME."""
    return {
        "MINISTACK_HOSTNAME": instance,  # with the port it labels what MiniStack may reap: the same at every start
        "MINISTACK_DOCKER_TIMEOUT": "60",
        "DOCKER_NETWORK": instance,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(home / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(home / "s3"),
        "RDS_PERSIST": "1",
        "ECS_RESTORE_RECONCILE_DELAY_SECONDS": "0",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }


def install(instance: str) -> Any:
    """Put the extension in place and start its threads; returns MiniStack's app module, ready to run."""
    from docker.api.client import APIClient

    engine.install(APIClient, instance, {start: os.environ[name] for start, name in DATABASES if os.environ.get(name)})
    app, alb, ecs = (emulator.module(name) for name in ("app", "services.alb", "services.ecs"))
    saver = state.StateSaver(emulator.module("core.persistence"), app._build_persistence_save_dict)
    actions.install(alb)
    plane = DataPlane(lambda: elb.read(alb), HAProxy(RUN))
    target_health.install(alb, plane)
    ecs_options.install(ecs)
    sandboxes = TaskSandboxes(ecs, instance)
    sandboxes.install()
    stopper = TaskStopper(ecs, plane.busy)
    watcher = TaskWatcher(ecs, saver.touch)
    stopper.install()
    watcher.install()
    rollouts = Rollouts(ecs, plane, stopper)
    rollouts.install()
    schedules.install(emulator.module("services.eventbridge"), ecs)
    logs.install(emulator.module("services.cloudwatch_logs"))

    watch, responses = emulator.module("services.cloudwatch"), emulator.module("core.responses")
    cloudwatch.install(watch)
    requests = AccessLog(RUN)
    publisher = Publisher(watch, plane, requests, lambda: cloudwatch.evaluate_all(watch, responses))
    publisher.install()

    relaunch = emulator.replace(ecs, "_start_restored_service_reconciler", lambda: None)

    def restored() -> None:
        state.after_restore(ecs, alb, emulator.module("services.elasticache"))
        sandboxes.start()
        relaunch()  # services come back only now: a task launched before the corrections would be corrected away
        rollouts.start()
        plane.settle()  # whoever finds the cloud ready finds its listeners open

    def ending() -> None:
        watcher.stopping.set()
        sandboxes.end()

    blobs.install(emulator.module("services.ecr"), HOME / "layers")
    engine.install_endpoints(emulator.module("services.rds"), emulator.module("services.elasticache"))
    engine.install_storage(emulator.module("services.rds"))
    rds_filters.install(emulator.module("services.rds"))
    _follow_lifecycle(app, saver, restored, ending)
    app.app = gateway.wrap(app.app, saver.touch, lambda: _status(instance, plane, saver))
    requests.start()
    plane.start()
    publisher.start()
    return app


def _status(instance: str, plane: DataPlane, saver: state.StateSaver) -> dict[str, Any]:
    """What the status page says: whose it is, ready or why not, and whether a power cut now would lose anything."""
    failure = plane.failure or saver.failure
    return {"name": instance, "ready": not failure, "failure": failure, "saved": saver.saved}


def _follow_lifecycle(
    app: Any, saver: state.StateSaver, restored: Callable[[], None], ending: Callable[[], None]
) -> None:
    """Call RESTORED before anybody uses the state that was read, ENDING before the tasks are taken down."""
    load, reap = app._load_persisted_state, app._stop_docker_containers

    def load_persisted_state() -> None:
        load()
        restored()
        saver.save()  # so that a full disk shows before anybody relies on us
        saver.start()

    def stop_docker_containers(include_unlabelled: bool = False) -> None:
        if not include_unlabelled:  # MiniStack's word for "this is the end", not the start
            saver.stop()
            ending()
        reap()  # never containers without a label: they may be anybody's

    emulator.replace(app, "_load_persisted_state", load_persisted_state)
    emulator.replace(app, "_stop_docker_containers", stop_docker_containers)


def main() -> None:
    """Install the extension, start the load balancers, run MiniStack until it is told to stop."""
    level = os.environ.get("LOG_LEVEL", "INFO")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stdout)
    emulator.require_pinned()
    instance = os.environ["LOCALCLOUD_NAME"]
    for name, value in settings(instance, HOME).items():
        os.environ.setdefault(name, value)
    RUN.mkdir(parents=True, exist_ok=True)
    RUN.chmod(0o777)  # HAProxy's own user makes its sockets here
    install(instance).main()


if __name__ == "__main__":
    main()
