"""A good body for each kind that the routes of an endpoint take, by its name in the contract."""

from __future__ import annotations

BODIES = {
    "Asked": {"inputs": ["a", " "]},
    "Change": {"folder": "topics"},
    "EmbeddingsRequest": {"model": "topics", "input": "a"},
    "TeiPredict": {"inputs": [["a"], ["b"]]},
    "TeiEmbed": {"inputs": "a"},
    "TeiRerank": {"query": "a", "texts": ["b"]},
    "TeiSimilarity": {"inputs": {"source_sentence": "a", "sentences": ["b"]}},
    "V2Request": {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"]}]},
}
