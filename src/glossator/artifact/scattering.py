"""Answers for a stream of texts from the workers of a Ray cluster, in order."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from glossator.artifact.generator import TextGenerator
from glossator.artifact.opening import load
from glossator.errors import GlossatorError
from glossator.models.config import RuntimeConfig

__all__ = ["scattered_answers"]

# Texts of a block: enough to group those of like length.
_BLOCK = 2048


def scattered_answers(
    ray: Any,
    workers: int,
    folder: Path,
    texts: Callable[[], Iterable[str]],
    *,
    runtime: RuntimeConfig,
    top_k: int,
) -> Generator[dict[str, Any]]:
    """The answers to a stream of texts, in its order, as JSON holds them.

    Texts and answers pass through in blocks, so that memory does not grow with them. A worker that
    is lost is replaced and its block answered again. Close it before the connection, which Ray
    asks for once more at the end of a stream.

    Args:
        ray: the package, connected to a cluster.
        workers: how many answer at once; each loads the model.
        folder: the model folder, which every worker sees.
        texts: gives the stream; is called on a worker.
        runtime: how the model runs there.
        top_k: how many labels each answer lists.

    Raises:
        GlossatorError: a worker failed.
    """
    from ray.data import ActorPoolStrategy, DataContext, read_datasource
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask

    class Texts(Datasource):  # type: ignore[misc]
        """The stream as one task."""

        def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[Any]:
            metadata = BlockMetadata(None, None, None, input_files=None)
            return [ReadTask(lambda: _blocks(texts()), metadata)]

        def estimate_inmemory_data_size(self) -> int | None:
            return None

    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    answered = read_datasource(Texts(), override_num_blocks=1).map_batches(
        _Scorer,
        fn_constructor_args=(str(folder.resolve()), runtime, top_k),
        compute=ActorPoolStrategy(size=workers),
        batch_size=_BLOCK,
        num_cpus=1,
    )
    try:
        batches = iter(answered.iter_batches(batch_size=_BLOCK, batch_format="numpy"))
        with contextlib.closing(batches):
            for batch in batches:
                yield from map(json.loads, batch["answer"].tolist())
    except ray.exceptions.RayError as error:
        why = next((line for line in reversed(str(error).splitlines()) if line.strip()), "")
        raise GlossatorError(f"a worker of the cluster failed: {why.strip()}") from error


class _Scorer:
    """A worker: answers blocks of texts."""

    def __init__(self, folder: str, runtime: RuntimeConfig, top_k: int):
        found = load(folder, runtime=runtime)
        assert not isinstance(found, TextGenerator), "predict refuses it beforehand"
        self._predictor, self._top_k = found, top_k

    def __call__(self, block: dict[str, Any]) -> dict[str, Any]:
        texts = [json.loads(text) for text in block["text"].tolist()]
        answers = self._predictor.answers(texts, top_k=self._top_k)
        return {"answer": np.array([json.dumps(answer.to_json()) for answer in answers])}


def _blocks(texts: Iterable[str]) -> Iterator[Any]:
    """Tables of one column; as JSON, since a text may be what UTF-8 cannot hold."""
    import pyarrow as pa

    block: list[str] = []
    for text in texts:
        block.append(json.dumps(text))
        if len(block) == _BLOCK:
            yield pa.table({"text": block})
            block = []
    if block:
        yield pa.table({"text": block})
