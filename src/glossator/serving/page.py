"""`/`: a page to try the models in a browser; it holds no data, and asks with a key."""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from glossator.serving.app import open_route

__all__ = ["page_routes"]

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
# A text of a user, or an answer, can be no script here, and no other page can frame this one.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


def page_routes() -> list[Route]:
    """The page with its icon, its style and its script."""
    return [
        _file("/", "page.html"),
        _file("/static/icon.svg", "icon.svg"),
        _file("/static/page.css", "page.css"),
        _file("/static/page.js", "page.js"),
    ]


def _file(path: str, name: str) -> Route:
    content = (files("glossator.serving") / "static" / name).read_bytes()
    kind = _TYPES[name.rpartition(".")[2]]

    async def answer(request: Request) -> Response:
        return Response(content, media_type=f"{kind}; charset=utf-8", headers=_HEADERS)

    return open_route(path, answer)
