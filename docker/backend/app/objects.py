"""Objects in S3, through botocore in a small pool of threads; every failure is ObjectsAway."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.errors import ObjectsAway
from app.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
_THREADS = 16


class S3Client(Protocol):
    """The calls of botocore's S3 client that are used here (AWS S3 API reference, same names)."""

    def put_object(self, **kwargs: Any) -> Any: ...
    def head_bucket(self, **kwargs: Any) -> Any: ...
    def create_multipart_upload(self, **kwargs: Any) -> Any: ...
    def upload_part(self, **kwargs: Any) -> Any: ...
    def complete_multipart_upload(self, **kwargs: Any) -> Any: ...
    def abort_multipart_upload(self, **kwargs: Any) -> Any: ...


def make_client(settings: Settings) -> S3Client:
    """Return an S3 client: 2 s to connect, 6 s to answer, 2 attempts. Credentials come from the task's role."""
    config = Config(
        connect_timeout=2,
        read_timeout=6,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=_THREADS,
        # An endpoint of one's own has no host name per bucket.
        s3={"addressing_style": "path" if settings.endpoint_url else "virtual"},
    )
    session: Any = botocore.session.get_session()
    client = session.create_client("s3", region_name=settings.region, endpoint_url=settings.endpoint_url, config=config)
    return cast("S3Client", client)


class Objects:
    """One S3 client shared by all requests; each call runs in a thread."""

    def __init__(self, client: S3Client) -> None:
        self._client = client
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")

    async def _call(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, lambda: call(*args, **kwargs))
        except ClientError as error:
            raise ObjectsAway(str(error.response.get("Error", {}).get("Code", "ClientError"))) from error
        except BotoCoreError as error:
            raise ObjectsAway(type(error).__name__) from error

    async def put(self, bucket: str, key: str, body: bytes, content_type: str, metadata: dict[str, str]) -> None:
        """Write one object."""
        await self._call(
            self._client.put_object, Bucket=bucket, Key=key, Body=body, ContentType=content_type, Metadata=metadata
        )

    async def head(self, bucket: str) -> None:
        """Ask whether BUCKET is there and ours."""
        await self._call(self._client.head_bucket, Bucket=bucket)

    async def begin(self, bucket: str, key: str, content_type: str, metadata: dict[str, str]) -> str:
        """Begin a multipart upload; return its id."""
        answer = await self._call(
            self._client.create_multipart_upload, Bucket=bucket, Key=key, ContentType=content_type, Metadata=metadata
        )
        return str(answer["UploadId"])

    async def part(self, bucket: str, key: str, upload: str, number: int, body: bytes) -> dict[str, object]:
        """Send part NUMBER (from 1); return its entry for `complete`."""
        answer = await self._call(
            self._client.upload_part, Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}

    async def complete(self, bucket: str, key: str, upload: str, parts: list[dict[str, object]]) -> None:
        """Make the object out of its parts; only now can it be seen."""
        await self._call(
            self._client.complete_multipart_upload,
            Bucket=bucket,
            Key=key,
            UploadId=upload,
            MultipartUpload={"Parts": parts},
        )

    async def abort(self, bucket: str, key: str, upload: str) -> None:
        """Throw away the parts sent so far."""
        await self._call(self._client.abort_multipart_upload, Bucket=bucket, Key=key, UploadId=upload)

    def close(self) -> None:
        """Let running calls end and stop the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)
