"""The body of a request, of which no more is read than is allowed."""

from __future__ import annotations

import zlib
from typing import Any

from starlette.requests import ClientDisconnect, Request

from glossator.serving.problems import CLIENT_LEFT, Problem, Refused
from glossator.serving.strict_json import NotJson, parse

__all__ = ["bytes_of", "json_of", "object_of"]

_TOO_LARGE = "too_large"
_NO_GZIP = Problem("bad_encoding", "the body is not one whole stream of gzip", 400)


async def json_of(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object of a request.

    Args:
        request: whose body may be packed with gzip.
        limit: bytes, before and after it is unpacked.

    Raises:
        Refused: it is larger, of another type, packed otherwise, or no JSON object.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        message = "the body must be application/json"
        raise Refused(Problem("unsupported_type", message, 415))
    return object_of(await bytes_of(request, limit))


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is.

    Raises:
        Refused: it is none.
    """
    try:
        found = parse(body)
    except NotJson as error:
        raise Refused(Problem("bad_json", str(error), 400)) from None
    if not isinstance(found, dict):
        raise Refused(Problem("bad_request", "the body must be a JSON object", 400))
    return found


async def bytes_of(request: Request, limit: int) -> bytes:
    """The body of a request, whatever its type.

    Raises:
        Refused: it is larger than `limit` bytes, or packed otherwise than with gzip.
    """
    _refuse_announced(request, limit)
    unpacker = _unpacker(request.headers.get("content-encoding", "identity").strip().lower())
    parts, size, read = [], 0, 0
    try:
        async for chunk in request.stream():
            read += len(chunk)
            part = chunk
            if unpacker is not None:
                part = unpacker.decompress(chunk, limit - size + 1) if read <= limit else b""
            size += len(part)
            if read > limit or size > limit:
                raise Refused(_too_large(limit), {"Connection": "close"})
            parts.append(part)
    except ClientDisconnect:
        raise Refused(CLIENT_LEFT) from None
    except zlib.error:
        raise Refused(_NO_GZIP) from None
    if unpacker is not None and (not unpacker.eof or unpacker.unused_data):
        raise Refused(_NO_GZIP)  # cut off, so that its check is missing, or with more behind it
    return b"".join(parts)


def _refuse_announced(request: Request, limit: int) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > limit:
        raise Refused(_too_large(limit), {"Connection": "close"})


def _unpacker(encoding: str) -> Any:
    if encoding in ("", "identity"):
        return None
    if encoding == "gzip":
        return zlib.decompressobj(wbits=31)
    message = "the Content-Encoding is not known; expected gzip or none"
    raise Refused(Problem("unsupported_encoding", message, 415))


def _too_large(limit: int) -> Problem:
    return Problem(_TOO_LARGE, f"the body has more than {limit:,} bytes", 413)
