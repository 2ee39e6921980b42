"""Answers for a stream of rows from the workers of a Ray cluster, in order."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from glossator.artifact.opening import load, located, opened_asks
from glossator.errors import GlossatorError
from glossator.models.config import RuntimeConfig
from glossator.text.records import Columns, Record, in_place
from glossator.text.rows import Rejection, Row

__all__ = ["Asked", "scattered_answers"]

# Rows of a block: enough to group texts of like length.
_BLOCK = 2048

# Stands for a row that the process which asks has rejected by name.
_UNREAD = Rejection("row", 0, "unread", "the row cannot be read")


@dataclass(frozen=True)
class Asked:
    """What is wanted of answers.

    Attributes:
        columns: of the table, by role.
        top_k: how many possibilities each answer lists.
        asks: what else, by name.
        task: that the folder is to answer, where it is not its own.
    """

    columns: Columns
    top_k: int | None = None
    asks: Mapping[str, Any] = field(default_factory=dict)
    task: str | None = None


def scattered_answers(
    ray: Any,
    workers: int,
    folder: Path,
    rows: Callable[[], Iterable[Mapping[str, Any] | None]],
    *,
    runtime: RuntimeConfig,
    asked: Asked,
) -> Generator[Any]:
    """The answers to a stream of rows, in its order, as JSON holds them.

    Rows and answers pass through in blocks, so that memory does not grow with them. A worker that
    is lost is replaced and its block answered again. Close it before the connection, which Ray
    asks for once more at the end of a stream.

    Args:
        ray: the package, connected to a cluster.
        workers: how many answer at once; each loads the model.
        folder: the model folder, which every worker sees; or a starter.
        rows: gives the stream of values by column, None for a row that cannot be read; is called
            on a worker.
        runtime: how the model runs there.
        asked: what is wanted of the answers.

    Raises:
        GlossatorError: a worker failed.
    """
    from ray.data import ActorPoolStrategy, DataContext, read_datasource
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask

    class Rows(Datasource):  # type: ignore[misc]
        """The stream as one task."""

        def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[Any]:
            metadata = BlockMetadata(None, None, None, input_files=None)
            return [ReadTask(lambda: _blocks(rows()), metadata)]

        def estimate_inmemory_data_size(self) -> int | None:
            return None

    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    answered = read_datasource(Rows(), override_num_blocks=1).map_batches(
        _Scorer,
        fn_constructor_args=(str(located(folder).resolve()), runtime, asked),
        compute=ActorPoolStrategy(size=workers),
        batch_size=_BLOCK,
        num_cpus=1,
    )
    try:
        batches = iter(answered.iter_batches(batch_size=_BLOCK, batch_format="numpy"))
        with contextlib.closing(batches):
            for batch in batches:
                yield from map(json.loads, batch["given"].tolist())
    except ray.exceptions.RayError as error:
        why = next((line for line in reversed(str(error).splitlines()) if line.strip()), "")
        raise GlossatorError(f"a worker of the cluster failed: {why.strip()}") from error


class _Scorer:
    """A worker: answers blocks of rows."""

    def __init__(self, folder: str, runtime: RuntimeConfig, asked: Asked):
        self._predictor = load(folder, runtime=runtime, task=asked.task)
        self._asked = asked
        self._wishes = opened_asks(self._predictor.task.name, asked.asks, runtime, asked.columns)
        self._reader = self._predictor.reader(asked.columns, self._wishes)

    def __call__(self, block: dict[str, Any]) -> dict[str, Any]:
        values = [json.loads(row) for row in block["row"].tolist()]
        items = [
            _UNREAD if row is None else self._reader.read(Row("row", 0, row), targets=False)
            for row in values
        ]
        records = [item for item in items if isinstance(item, Record)]
        top_k = self._asked.top_k
        found = self._predictor.answer_records(records, top_k=top_k, **self._wishes)
        answers = [
            None if isinstance(x, Rejection) else x.to_json() for x in in_place(items, found)
        ]
        return {"given": np.array([json.dumps(answer) for answer in answers])}


def _blocks(rows: Iterable[Mapping[str, Any] | None]) -> Iterator[Any]:
    """Tables of one column; as JSON, since a text may be what UTF-8 cannot hold."""
    import pyarrow as pa

    block: list[str] = []
    for row in rows:
        block.append(json.dumps(row, default=str))
        if len(block) == _BLOCK:
            yield pa.table({"row": block})
            block = []
    if block:
        yield pa.table({"row": block})
