"""Parameter Store as the AWS provider sees it, in memory: enough to make, read, change and lose a parameter."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Parameters = dict[str, dict[str, Any]]


class _Handler(BaseHTTPRequestHandler):
    parameters: Parameters

    def do_POST(self) -> None:
        """Answer one call of the API (docs.aws.amazon.com/systems-manager/latest/APIReference)."""
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self._answer(operation, asked)
        missing = answer is None
        body = json.dumps({"__type": "ParameterNotFound"} if missing else answer).encode()
        self.send_response(400 if missing else 200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        if operation == "PutParameter":
            self.parameters[asked["Name"]] = {"Tier": "Standard", "DataType": "text", "Version": 1, **asked}
            return {"Version": 1, "Tier": "Standard"}
        if operation == "GetParameter":
            known = self.parameters.get(asked["Name"])
            arn = f"arn:aws:ssm:ap-south-1:000000000000:parameter/{asked['Name']}"
            return {"Parameter": {**known, "ARN": arn}} if known else None
        if operation == "DescribeParameters":
            names = [name for one in asked["ParameterFilters"] for name in one["Values"]]
            return {"Parameters": [self.parameters[name] for name in names if name in self.parameters]}
        return {"TagList": []} if operation == "ListTagsForResource" else {}

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextmanager
def store() -> Iterator[tuple[str, Parameters]]:
    """Serve the API; gives its address and what it holds, which a test may change as a person in the console would."""
    parameters: Parameters = {}
    handler = type("Handler", (_Handler,), {"parameters": parameters})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", parameters
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
