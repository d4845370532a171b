"""What runs inside the cloud's container: MiniStack's own main, with our extension in place before it starts.

Environment: ``LOCALCLOUD_NAME`` (the instance: its container, network and label), ``LOCALCLOUD_HOME`` (state volume);
``MINISTACK_*`` and friends are MiniStack's own and are set here, where their reasons are written down.
"""

import logging
import os
from pathlib import Path

from localcloud.extension import actions, elb, emulator, target_health
from localcloud.extension.dataplane import DataPlane
from localcloud.extension.haproxy import HAProxy

HOME = Path(os.environ.get("LOCALCLOUD_HOME", "/var/lib/localcloud"))
RUN = Path("/run/localcloud")


def settings(instance: str, home: Path) -> dict[str, str]:
    """MiniStack's environment for the cloud named INSTANCE, with its state under HOME."""
    return {
        "MINISTACK_HOSTNAME": instance,  # with the port it is the owner label by which MiniStack reaps: must not change
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


def main() -> None:
    """Install the extension, start the load balancers, run MiniStack until it is told to stop."""
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    emulator.require_pinned()
    instance = os.environ["LOCALCLOUD_NAME"]
    for name, value in settings(instance, HOME).items():
        os.environ.setdefault(name, value)
    RUN.mkdir(parents=True, exist_ok=True)
    os.chmod(RUN, 0o777)
    alb = emulator.module("services.alb")
    actions.install(alb)
    plane = DataPlane(lambda: elb.read(alb), HAProxy(RUN))
    target_health.install(alb, plane)
    plane.start()
    emulator.module("app").main()


if __name__ == "__main__":
    main()
