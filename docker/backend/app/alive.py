"""The image's HEALTHCHECK: exit 0 when /healthz answers 200. Imports little, because it runs every few seconds."""

import os
import socket
import sys


def main(port: int) -> int:
    """Ask this container's /healthz on PORT; 0 when alive, else 1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return 0 if connection.recv(64).startswith(b"HTTP/1.1 200") else 1
    except OSError as error:
        print(f"/healthz on port {port} did not answer: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(int(os.environ.get("PORT") or 8080)))
