"""What a model says of itself in a terminal and in a notebook."""

from __future__ import annotations

METRICS = {
    "dev": {"accuracy": 0.5},
    "test": {"accuracy": 0.925, "accuracy_ci": [0.9, 0.95], "macro_f1": None},
}


def test_one_line_with_task_labels_base_and_score(predictor_of):
    assert repr(predictor_of(metrics=METRICS)) == (
        "<Predictor text-classification; 3 classes: card, film, market; from tiny-bert; "
        "Accuracy 92.5% on test rows>"
    )
    assert repr(predictor_of()).endswith("Accuracy 50.0% on dev rows>")


def test_many_and_long_labels_are_shortened(predictor_of):
    line = repr(predictor_of(["x" * 500, "a\n\u202eb", *map(str, range(200))], metrics={}))
    assert "202 classes: " + "x" * 29 + "…, a\ufffd\ufffdb, 0, …;" in line
    assert len(line) < 200
    assert line.isprintable()


def test_scores_are_a_table_and_labels_are_escaped(predictor_of):
    page = predictor_of(["<script>", "a&b"], metrics=METRICS)._repr_html_()
    assert "<td>Accuracy</td><td>92.5%</td><td>90.0–95.0%</td>" in page
    assert page.index("test rows") < page.index("dev rows")
    assert "&lt;script&gt;, a&amp;b" in page
    assert "<script>" not in page
    assert "Macro F1" not in page, "it has no value"


def test_an_unfinished_model_without_scores(predictor_of):
    model = predictor_of(metrics={}, finished=False)
    assert "a run that was interrupted" in repr(model)
    assert "<table>" not in model._repr_html_()
