"""The verbs, and how their words become calls."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from cyclopts import App, Parameter

import glossator
from glossator.cli.failures import STDIN
from glossator.cli.options import TYPED, complete, show_default

__all__ = ["run"]

_HELP = "From raw text to a guarded endpoint with BERT-family language models."

# Verb, what it does, an example. A verb's file is imported when it is called.
_VERBS = (
    ("demo", "Fine-tune on real news in minutes, without a network.", "demo"),
    (
        "fit",
        "Fine-tune on labelled texts and write a model folder.",
        "fit tickets.csv --text message --label intent --output tickets-model",
    ),
    (
        "tokenizer",
        "Train a tokenizer on raw text.",
        "tokenizer corpus.txt --kind wordpiece --vocab-size 8000 --output tokenizer",
    ),
    (
        "pretrain",
        "Train a language model on raw text, from nothing or from a starter.",
        "pretrain corpus.txt --tokenizer tokenizer --size mini --output my-bert",
    ),
    (
        "evaluate",
        "Score a model folder on labelled rows.",
        "evaluate tickets-model held-out.csv",
    ),
    (
        "predict",
        "Answer every row of a table, in order.",
        "predict tickets-model new.csv --output answers.jsonl",
    ),
    (
        "index",
        "Index a table, to be searched by words and by meaning.",
        "index articles.csv --text title,body --model minilm --output articles-index",
    ),
    (
        "search",
        "Find the rows of an index that answer each query.",
        "search articles-index queries.csv --top-k 10 --output hits.jsonl",
    ),
    (
        "compare",
        "Say whether the difference of two model folders is real.",
        "compare tickets-model tickets-model-2 held-out.csv",
    ),
    (
        "serve",
        "Answer over HTTP with model folders.",
        "serve tickets-model --keys keys.toml --port 8080",
    ),
    (
        "inspect",
        "Say what a table or a model folder is, and what is wrong with it.",
        "inspect tickets.csv --text message --label intent",
    ),
)
_KEY = (
    ("create", "Make a key, and show it this once.", "key create --role predict"),
    ("list", "List the keys of a file.", "key list keys.toml"),
    ("revoke", "Forget a key, also where a server runs.", "key revoke keys.toml ID"),
    ("rotate", "Put a new key in the place of one.", "key rotate keys.toml ID"),
)
_STARTER = (
    ("add", "Fetch starter weights, or sample texts, into the cache.", "starter add minilm"),
    ("list", "List the starters and samples, and which are here.", "starter list"),
)


def run(words: Sequence[str]) -> int:
    """Call the verb that `words` name; its exit code.

    Raises:
        CycloptsError: there is no such verb or option, or a value is of the wrong kind.
        GlossatorError: the verb failed.
    """
    TYPED.set(shlex.join(["glossator", *words]))
    code = _app()([STDIN if word == "-" else word for word in words])
    return code if isinstance(code, int) else 0


def _app() -> App:
    app = _group("glossator", _HELP)
    app.version = glossator.__version__
    for order, (name, help, example) in enumerate(_VERBS):
        said = f"Example: glossator {example}"
        target = f"glossator.cli.{name}:{name}"
        app.command(target, name=name, help=help, help_epilogue=said, sort_key=order)
    groups = (
        ("key", "Keys that open an endpoint.", _KEY),
        ("starter", "Starter weights and sample texts, kept in the cache.", _STARTER),
    )
    for order, (group, said, verbs) in enumerate(groups, start=len(_VERBS)):
        app.command(_verbs_of(group, said, verbs, order))
    return app


def _verbs_of(group: str, said: str, verbs: Sequence[tuple[str, str, str]], order: int) -> App:
    """A verb with verbs of its own."""
    found = _group(group, said)
    found.sort_key = order
    for name, help, example in verbs:
        target = f"glossator.cli.{group}:{name}_"
        found.command(target, name=name, help=help, help_epilogue=f"Example: glossator {example}")
    return found


def _group(name: str, help: str) -> App:
    return App(
        name=name,
        help=help,
        help_format="markdown",
        config=complete,
        default_parameter=Parameter(negative=(), show_default=show_default),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
