"""The shapes of what is sent and answered, as JSON Schema."""

from __future__ import annotations

from typing import Any

from glossator.tasks.registry import configs

__all__ = ["SCHEMAS"]

_TEXT: dict[str, Any] = {"type": "string"}
_FULL_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_NUMBER: dict[str, Any] = {"type": "number"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_FLAG: dict[str, Any] = {"type": "boolean"}
_ANY_OBJECT: dict[str, Any] = {"type": "object"}
_PLAIN = {"type": ["string", "number", "boolean", "null"]}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}


def _object(*optional: str, **fields: dict[str, Any]) -> dict[str, Any]:
    """An object whose fields are there, but for those named; it may have others."""
    required = [name for name in fields if name not in optional]
    return {"type": "object", "required": required, "properties": fields}


def _list(of: dict[str, Any], least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": least}


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "additionalProperties": False}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _maybe(of: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [of, {"type": "null"}]}


_ASKED_COUNT = {"type": ["integer", "null"], "minimum": 1, "maximum": 1_000_000}
_ASKED_MOST = {**_ASKED_COUNT, "maximum": 1_000}
# Of the options of all tasks those of which there is a limit; a task knows its own alone.
_LIMITED = {
    name: {"type": "integer", "minimum": 1, "maximum": most}
    for config in configs()
    for name, most in config.most.items()
}
_OPTIONS = {"type": "object", "properties": _LIMITED, "additionalProperties": _PLAIN}
_PROBLEM = _object(kind=_TEXT, message=_TEXT)

_OURS = {
    "Error": _object("request_id", error=_PROBLEM, request_id=_TEXT),
    "AnyError": _ANY_OBJECT,
    "Any": _ANY_OBJECT,
    "Health": _object(status=_TEXT),
    "Asked": _closed(
        _object(
            "top_k",
            "max_windows",
            "options",
            "mask",
            inputs=_list({"type": ["string", "object", "array"]}, 1),
            top_k=_ASKED_MOST,
            max_windows=_ASKED_COUNT,
            options=_OPTIONS,
            mask={"type": "boolean"},
        )
    ),
    "Answers": _object(
        "errors",
        "masked",
        model=_TEXT,
        version=_TEXT,
        request_id=_TEXT,
        predictions=_list(_maybe(_ANY_OBJECT), 1),
        masked=_list({}, 1),
        errors=_list(_object(input=_COUNT, kind=_TEXT, message=_TEXT), 1),
    ),
    "Model": _object(
        id=_TEXT,
        object={"const": "model"},
        created=_COUNT,
        owned_by=_TEXT,
        task=_TEXT,
        version=_TEXT,
        does=_TEXT,
        example={"type": ["string", "object"]},
        examples={"type": "object", "additionalProperties": _ANY_OBJECT},
    ),
    "Change": _closed(_object("folder", "version", folder=_TEXT, version=_TEXT)),
    "Deleted": _object(id=_TEXT, deleted={"const": True}),
    "Models": _object(object={"const": "list"}, data=_list(_ref("Model"))),
    "Status": _object(
        worker=_COUNT,
        now=_COUNT,
        every=_COUNT,
        edges=_list(_COUNT, 1),
        intervals=_list(
            _object(
                at=_COUNT,
                requests=_COUNT,
                refused=_COUNT,
                failed=_COUNT,
                latency=_list(_COUNT, 1),
                texts=_COUNT,
                tokens=_COUNT,
                batches=_COUNT,
            )
        ),
        models=_list(_object(id=_TEXT, waiting=_COUNT, waiting_tokens=_COUNT)),
    ),
}

_VECTOR = _list(_NUMBER)
_OPENAI = {
    "OpenAIError": _object(
        error=_object(message=_TEXT, type=_TEXT, param={"type": ["string", "null"]}, code=_TEXT)
    ),
    "EmbeddingsRequest": _object(
        "encoding_format",
        "dimensions",
        "user",
        model=_TEXT,
        input={"anyOf": [_FULL_TEXT, _list({}, 1)]},
        encoding_format={"enum": ["float", "base64"]},
        dimensions=_COUNT,
        user=_TEXT,
    ),
    "Embeddings": _object(
        object={"const": "list"},
        model=_TEXT,
        data=_list(
            _object(
                object={"const": "embedding"},
                index=_COUNT,
                embedding={"anyOf": [_VECTOR, _TEXT]},
            )
        ),
        usage=_object(prompt_tokens=_COUNT, total_tokens=_COUNT),
    ),
}

_CLASSES = _list(_object(score=_SHARE, label=_TEXT), 1)
_SEQUENCE = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 2}
_TEI = {
    "TeiError": _object(
        error=_TEXT,
        error_type={"enum": ["Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer"]},
    ),
    "TeiPredict": _object(
        "raw_scores",
        "truncate",
        inputs={"anyOf": [_FULL_TEXT, _SEQUENCE, _list(_SEQUENCE, 1)]},
        raw_scores={"const": False},
        truncate=_FLAG,
    ),
    "TeiClasses": {"anyOf": [_CLASSES, _list(_CLASSES, 1)]},
    "TeiEmbed": _object(
        "normalize",
        "truncate",
        inputs={"anyOf": [_FULL_TEXT, _list({}, 1)]},
        normalize=_FLAG,
        truncate=_FLAG,
    ),
    "Vector": _VECTOR,
    "TeiVectors": _list(_VECTOR, 1),
    "TeiRerank": _object(
        "raw_scores",
        "return_text",
        "truncate",
        query=_FULL_TEXT,
        texts=_list(_TEXT, 1),
        raw_scores=_FLAG,
        return_text=_FLAG,
        truncate=_FLAG,
    ),
    "TeiRanks": _list(_object("text", index=_COUNT, score=_NUMBER, text=_TEXT), 1),
    "TeiSimilarity": _object(
        "parameters",
        inputs=_object(source_sentence=_TEXT, sentences=_list(_TEXT, 1)),
        parameters=_ANY_OBJECT,
    ),
    "TeiInfo": _object(
        model_id=_TEXT,
        model_sha=_TEXT,
        model_dtype=_TEXT,
        model_type=_object(classifier=_object(id2label=_ANY_OBJECT, label2id=_ANY_OBJECT)),
        max_concurrent_requests=_COUNT,
        max_input_length=_COUNT,
        max_batch_tokens=_COUNT,
        max_batch_requests={"type": ["integer", "null"]},
        max_client_batch_size=_COUNT,
        auto_truncate=_FLAG,
        tokenization_workers=_COUNT,
        version=_TEXT,
        sha={"type": ["string", "null"]},
        docker_label={"type": ["string", "null"]},
    ),
}

_SHAPE = _list({"type": "integer"}, 1)
_TENSOR_TYPES = {"enum": ["BYTES", "FP32"]}
_V2 = {
    "V2Error": _object(error=_TEXT),
    "V2Server": _object(name=_TEXT, version=_TEXT, extensions=_list(_TEXT)),
    "V2Live": _object(live={"const": True}),
    "V2Ready": _object("name", name=_TEXT, ready={"const": True}),
    "V2Model": _object(
        name=_TEXT,
        versions=_list(_TEXT, 1),
        platform=_TEXT,
        inputs=_list(_object(name=_TEXT, datatype={"const": "BYTES"}, shape=_SHAPE), 1),
        outputs=_list(_object(name=_TEXT, datatype=_TENSOR_TYPES, shape=_SHAPE), 1),
    ),
    "V2Request": _object(
        "id",
        "parameters",
        "outputs",
        id=_TEXT,
        parameters=_OPTIONS,
        inputs=_list(
            _object(
                name=_TEXT,
                datatype={"const": "BYTES"},
                shape={
                    "type": "array",
                    "items": {"type": "integer", "minimum": 1},
                    "minItems": 1,
                    "maxItems": 2,
                },
                data=_list({"anyOf": [_TEXT, _list(_TEXT)]}),
            ),
            1,
        ),
        outputs=_list(_object(name=_TEXT)),
    ),
    "V2Response": _object(
        "id",
        model_name=_TEXT,
        model_version=_TEXT,
        id=_TEXT,
        outputs=_list(
            _object("data", name=_TEXT, datatype=_TENSOR_TYPES, shape=_SHAPE, data=_list({}))
        ),
    ),
}

SCHEMAS: dict[str, Any] = {**_OURS, **_OPENAI, **_TEI, **_V2}
"""By their names in the document."""
