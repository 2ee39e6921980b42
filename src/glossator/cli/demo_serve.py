"""`glossator demo serve`: a small model as an endpoint, asked over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import glossator
from glossator.cli.screen import Screen
from glossator.client import Answers, Client
from glossator.errors import GlossatorError
from glossator.files import refuse_existing
from glossator.finetuning.config import FitConfig
from glossator.serving.keys import KeyFile, new_key

__all__ = ["MODEL", "OPENINGS", "demo_serve", "learn"]

MODEL = "news"
OPENINGS = "news-openings.csv"
_QUESTIONS = (
    "The striker scored twice and the team won the league.",
    "Shares in the bank fell after profits missed the forecasts.",
    "The new phone has a faster chip and a better camera.",
)
_ENDING_SECONDS = 60


def learn(table: Path, config: FitConfig, folder: Path, screen: Screen, *, overwrite: bool) -> None:
    """Fit a model to serve; its result is not shown, since it is not what is demonstrated."""
    from glossator.cli.fit_watch import FitWatch
    from glossator.finetuning.run import run_fit

    refuse_existing(folder, overwrite=overwrite)
    with FitWatch(screen) as watch:
        run_fit([str(table)], config, output=folder, overwrite=overwrite, watch=watch)


def demo_serve(folder: Path, screen: Screen, *, stay: bool) -> int:
    """Serve a folder on a free port, ask it as a client does, and end; or stay until Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="glossator-demo-") as scratch:
        token, key = new_key("predict", name="of the demo")
        keys = Path(scratch) / "keys.toml"
        KeyFile(keys).add(key)
        screen.say("An endpoint, and a key for it", "bold")
        with _serving(folder, keys) as address, Client(address, token) as client:
            models = [model.name for model in client.models()]
            answers = client.predict(MODEL, _QUESTIONS, top_k=2)
            _show(screen, address, token, answers)
            screen.json(
                {"address": address, "models": models, "predictions": list(answers.predictions)}
            )
            if stay:
                _stay(screen, address, token)
    return 0


@contextlib.contextmanager
def _serving(folder: Path, keys: Path) -> Iterator[str]:
    """A server of its own, and where it listens; it is told to end, and waited for."""
    command = [sys.executable, "-m", "glossator", "serve", f"{MODEL}={folder}"]
    command += ["--keys", str(keys), "--port", "0", "--json"]
    path = [str(Path(glossator.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield _address(process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=_ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    """Where a server listens, which it tells in an object that ends in a line of its own."""
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if line == "}\n":
            return str(json.loads(told)["address"])
    _, said = process.communicate()
    raise GlossatorError(f"the server did not start: {said.strip()[-500:]}")


def _show(screen: Screen, address: str, token: str, answers: Answers) -> None:
    body = json.dumps({"inputs": [_QUESTIONS[0]], "top_k": 2})
    screen.line(f"  curl {address}/v1/models/{MODEL}/predict -H 'Authorization: Bearer {token}' \\")
    screen.line(f"      -H 'Content-Type: application/json' -d '{body}'")
    for question, prediction in zip(_QUESTIONS, answers.predictions, strict=True):
        screen.line(f"  {question}  {_best(prediction)}")
    screen.line(f"  the page: {address}/")


def _best(prediction: Any) -> str:
    best = prediction["labels"][0]
    return f"{best['label']} {best['score']:.0%}"


def _stay(screen: Screen, address: str, token: str) -> None:
    screen.line(f"  open {address}/ and paste the key {token}; Ctrl-C ends")
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
