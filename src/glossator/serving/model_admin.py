"""`POST`, `PUT` and `DELETE /v1/models/{model}`: models while an endpoint runs, for its keeper."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from glossator.errors import InputError
from glossator.serving.app import route
from glossator.serving.body import json_of
from glossator.serving.desired_models import Place
from glossator.serving.model_manager import Changed, ModelManager
from glossator.serving.names import checked_name
from glossator.serving.predicting import told_of
from glossator.serving.problems import Problem, Refused

__all__ = ["model_admin_routes"]

_FIELDS = ("folder", "version")
_MOST = 10_000  # bytes of a body
_TRIES = 1_500  # five minutes, in which the other workers load too
_VERSION = re.compile(r"(unverified-)?[0-9a-f]{64}")


def model_admin_routes(manager: ModelManager, root: Path | None) -> list[Route]:
    """The routes that change which models there are.

    Args:
        manager: of this worker.
        root: folder whose model folders may be loaded by name; None: none may.
    """

    async def load(request: Request) -> Response:
        name = _name(request)
        place = _place(name, await json_of(request, _MOST))
        found = _root_of(request, root, place)
        new = request.method == "POST"
        changed = await asyncio.to_thread(_loaded, manager, found, name, place, new)
        return await _response(manager, changed, name)

    async def unload(request: Request) -> Response:
        name = _name(request)
        return await _response(manager, await asyncio.to_thread(manager.unload, name), name)

    path = "/v1/models/{model}"
    return [
        route(path, load, role="admin", methods=["POST", "PUT"]),
        route(path, unload, role="admin", methods=["DELETE"]),
    ]


def _loaded(manager: ModelManager, root: Path, name: str, place: Place, new: bool) -> Changed:
    try:
        return manager.load(name, place, new=new)
    except InputError as error:
        # Where the root lies is not told.
        why = error.message.replace(f"{root}{os.sep}", "")
        message = f"{place.folder} cannot be served: {why}"
        raise Refused(Problem(error.kind, message, 422)) from None
    except OSError as error:
        message = f"{place.folder} could not be read into this server: {error.strerror}"
        raise Refused(Problem("no_room", message, 507)) from None


async def _response(manager: ModelManager, changed: Changed, name: str) -> Response:
    """What is served now, once all workers serve it."""
    behind, failed = await manager.settled(changed.number, _TRIES)
    body: dict[str, Any] = {"id": name, "deleted": True}
    if changed.served is not None:
        body = told_of(changed.served)
    if name in failed:
        message = "some workers could not load it, and answer as before; see the log"
        return JSONResponse({"error": {"kind": "partly_loaded", "message": message}, **body}, 500)
    if behind:
        return JSONResponse({**body, "workers_behind": behind}, 202)
    return JSONResponse(body, 201 if changed.served and not changed.swapped else 200)


def _name(request: Request) -> str:
    """The name in a path.

    Raises:
        Refused: it is none, or not one that the key sees.
    """
    name = _checked(request.path_params["model"])
    if not request.state.key.sees(name):
        raise Refused(Problem("unknown_model", "there is no such model; see /v1/models", 404))
    return name


def _place(name: str, body: Mapping[str, Any]) -> Place:
    """The folder that a body names, by default the one of the model's name.

    Raises:
        Refused: the body is wrong.
    """
    for field in body:
        if field not in _FIELDS:
            message = f"the body has a field {field[:40]!r}; it may have: {', '.join(_FIELDS)}"
            raise Refused(Problem("bad_request", message, 400))
    folder = _checked(body.get("folder", name))
    version = body.get("version", "")
    if version != "" and not (isinstance(version, str) and _VERSION.fullmatch(version)):
        message = "'version' must be the SHA-256 of a manifest, in hexadecimal"
        raise Refused(Problem("bad_request", message, 400))
    return Place(folder=folder, under_root=True, version=version)


def _root_of(request: Request, root: Path | None, place: Place) -> Path:
    """The folder of all models, in which a place lies.

    Raises:
        Refused: there is none, or it has no such folder for this key.
    """
    if root is None:
        message = "this server loads no models: it was started without --models-root"
        raise Refused(Problem("no_models_root", message, 403))
    # Under a name that it sees, a key must not come to a model that it does not.
    if not request.state.key.sees(place.folder) or not (root / place.folder).is_dir():
        message = "there is no such folder under --models-root"
        raise Refused(Problem("unknown_folder", message, 404))
    return root


def _checked(name: Any) -> str:
    try:
        return checked_name(name if isinstance(name, str) else "")
    except InputError:
        message = (
            "a model's name has letters, digits, '-', '_' and '.', and does not begin with '.'"
        )
        raise Refused(Problem("bad_name", message, 400)) from None
