"""The server with a fault, which a measurement must find: `python -m benchmarks._broken FAULT ...`.

`poison` fails with a text that holds that word; `brittle` too, and with all that go beside it;
`leak` keeps a copy of what it is asked; `alone` has nobody who starts a dead process again.
"""

from __future__ import annotations

import sys
from typing import Any

_KEPT: list[Any] = []


def poison() -> None:
    from glossator.artifact.predictor import Predictor

    answer = Predictor.answer_records

    def fails(self: Predictor, records: Any, *args: Any, **options: Any) -> Any:
        if any("poison" in text for record in records for text in record.texts):
            raise RuntimeError("poison")
        return answer(self, records, *args, **options)

    Predictor.answer_records = fails  # type: ignore[method-assign]


def brittle() -> None:
    from glossator.serving.batcher import Batcher
    from glossator.serving.problems import Problem

    poison()
    halved = Batcher._outcomes

    def whole(self: Batcher, questions: Any, failures: Any) -> Any:
        found = list(halved(self, questions, failures))
        failed = [x for x in found if isinstance(x, Problem)]
        return iter([failed[0]] * len(found) if failed else found)

    Batcher._outcomes = whole  # type: ignore[method-assign]


def leak() -> None:
    from glossator.serving.models import Served

    read = Served.read

    def keeps(self: Served, inputs: Any, asked: Any) -> Any:
        _KEPT.append(bytearray(2_000))
        return read(self, inputs, asked)

    Served.read = keeps  # type: ignore[method-assign]


def alone() -> None:
    from glossator.serving.workers import Workers

    Workers._put_off = lambda self, place, worker: setattr(place, "due", 1e9)  # type: ignore


def main() -> int:
    from glossator.cli import main

    fault, *words = sys.argv[1:]
    {"poison": poison, "brittle": brittle, "leak": leak, "alone": alone}[fault]()
    return main(words)


if __name__ == "__main__":
    sys.exit(main())
