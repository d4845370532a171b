"""The container's HEALTHCHECK: exit 0 when the cloud says that it is ready."""

import http.client
import sys

from localcloud.names import API_PORT, STATUS_PATH


def ready(port: int = API_PORT) -> bool:
    """Whether the cloud in this container answers its status page with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", STATUS_PATH)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if ready() else 1)
