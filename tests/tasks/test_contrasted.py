"""The parts of the contrastive recipe: order, head."""

from __future__ import annotations

import numpy as np
import pytest

from glossator.tasks.class_order import by_twos
from glossator.tasks.kinds.text_classification.logistic import logistic_head


def test_each_row_comes_once_and_beside_one_of_its_class():
    classes = np.array([0, 1, 2] * 5)
    order = by_twos(15, lambda i: int(classes[i]), seed=1, epoch=0)
    assert sorted(order.tolist()) == list(range(15))
    found = classes[order]
    alone = [i for i in range(15) if found[i] not in found[max(0, i - 1) : i + 2 : 2]]
    assert len(alone) <= 3, "of each class with an odd number of rows one"
    assert order.tolist() == by_twos(15, lambda i: int(classes[i]), seed=1, epoch=0).tolist()
    assert order.tolist() != by_twos(15, lambda i: int(classes[i]), seed=1, epoch=1).tolist()


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("moved", "scale"), [(0.0, 1.0), (50.0, 1.0), (0.0, 1e-3)])
def test_a_head_tells_what_lies_apart(classes, moved, scale):
    draw = np.random.default_rng(0)
    targets = np.arange(60) % classes
    vectors = scale * (np.eye(8)[targets] + 0.1 * draw.normal(size=(60, 8))) + moved
    vectors = vectors.astype(np.float32)
    head = logistic_head(vectors, targets, classes)
    assert head.weight.shape == (classes, 8)
    logits = vectors @ head.weight.T + head.bias
    assert (logits.argmax(1) == targets).all()
    again = logistic_head(vectors, targets, classes)
    assert np.array_equal(head.weight, again.weight)
    assert np.array_equal(head.bias, again.bias)


def test_a_balanced_head_does_not_forget_a_rare_class():
    draw = np.random.default_rng(0)
    targets = np.array([0] * 95 + [1] * 5)
    vectors = (targets[:, None] + draw.normal(size=(100, 4))).astype(np.float32)
    found = {}
    for balanced in (False, True):
        head = logistic_head(vectors, targets, 2, balanced=balanced)
        found[balanced] = (vectors @ head.weight.T + head.bias).argmax(1).sum()
    assert found[True] > found[False]
