"""Workers of a Ray cluster as the ranks of a group; one that is lost is replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from glossator.clusters import connected
from glossator.errors import GlossatorError
from glossator.training.events import Notify

__all__ = ["on_cluster"]

# How often workers are lost before the run is given up.
_LOSSES = 3
_POLL = 0.2


def on_cluster(
    address: str,
    workers: int,
    function: Callable[..., Any],
    arguments: Sequence[Any],
    *,
    folder: Path,
    notify: Notify,
) -> Any:
    """Call a function on each worker, as ranks of one group, and give what the first returned.

    When a worker is lost all begin again, with another in its place: the function goes on from
    whatever it left in `folder`.

    Args:
        address: of a cluster, or `local`.
        workers: how many.
        function: called as `function(rank, *arguments, notify=notify)`; it can be imported.
        arguments: can be pickled.
        folder: where Ray keeps its own record; on several machines, one that all of them see.
        notify: is told of what happens on the first worker, in this process.

    Raises:
        GlossatorError: a worker failed, or was lost too often.
    """
    with connected(address, workers) as ray:
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchConfig, TorchTrainer
        from ray.util.queue import Queue

        told = Queue(actor_options={"num_cpus": 0})
        gpus = ray.cluster_resources().get("GPU", 0) >= workers
        cores = int(ray.cluster_resources()["CPU"]) // workers
        trainer = TorchTrainer(
            _worker,
            train_loop_config={"told": told, "call": (function, tuple(arguments)), "cores": cores},
            scaling_config=ScalingConfig(
                num_workers=workers, use_gpu=gpus, resources_per_worker={"CPU": 1}
            ),
            torch_config=TorchConfig(backend="nccl" if gpus else "gloo"),
            run_config=RunConfig(
                name="ray",
                storage_path=str(folder.resolve()),
                failure_config=FailureConfig(max_failures=_LOSSES),
            ),
        )
        return _listen(ray, trainer, told, notify)


def _listen(ray: Any, trainer: Any, told: Any, notify: Notify) -> Any:
    """Pass on what the first worker tells until the trainer is through."""
    from ray.util.queue import Empty

    # Not in a thread: one that waits for Ray while the connection ends takes the process with it.
    fitting = ray.remote(num_cpus=0, max_retries=0)(_fit).remote(trainer)
    results: list[Any] = []
    through = False
    while not (through and told.empty()):
        through = bool(ray.wait([fitting], timeout=0)[0])
        with contextlib.suppress(Empty):
            kind, value = told.get(timeout=_POLL)
            if kind == "failed":  # of our own making: another try would come to the same
                raise GlossatorError(value)
            if kind == "done":
                results.append(value)
            else:
                notify(value)
    if not results:
        try:
            why = ray.get(fitting)
        except ray.exceptions.RayError as error:  # the trainer's own process was lost
            why = _first_line(error)
        raise GlossatorError(f"a worker of the cluster failed: {why}")
    return results[-1]


def _fit(trainer: Any) -> str:
    """Why a trainer failed; nothing if it did not."""
    try:
        trainer.fit()
    except Exception as error:
        return _first_line(error)
    return ""


def _worker(config: dict[str, Any]) -> None:
    """What each worker does."""
    from ray.train import get_context

    told, (function, arguments) = config["told"], config["call"]
    rank = get_context().get_world_rank()
    torch.set_num_threads(max(1, config["cores"]))
    try:
        result = function(
            rank,
            *arguments,
            notify=(lambda event: told.put(("event", event))) if rank == 0 else lambda _: None,
        )
    except GlossatorError as error:
        told.put(("failed", f"worker {rank}: {error}"))
        raise
    if rank == 0:
        told.put(("done", result))


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
