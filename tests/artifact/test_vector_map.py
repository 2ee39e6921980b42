"""Vectors in a plane: near ones near, the same each time, and every group named."""

from __future__ import annotations

import re

import numpy as np
import pytest

from glossator.artifact.drawing import picture
from glossator.artifact.plane import laid_out
from glossator.artifact.vector_map import vector_map
from glossator.evaluation.figures import VectorMap


def clusters(count=4, rows=25, width=20, seed=0):
    draw = np.random.default_rng(seed)
    middles = 4 * draw.normal(size=(count, width))
    groups = np.arange(count * rows) % count
    return middles[groups] + draw.normal(size=(count * rows, width)), groups


def figure(vectors, groups=None, names=("texts",), ringed=None):
    groups = np.zeros(len(vectors), int) if groups is None else groups
    return VectorMap(
        "a map", vectors, groups, names, np.zeros(len(vectors), bool) if ringed is None else ringed
    )


def points(markup, look):
    """The places of the points of a look, those of the legend left out."""
    paths = re.findall(rf'<path class="dots {look}" stroke-opacity[^>]* d="([^"]*)"', str(markup))
    return [
        tuple(map(float, x)) for path in paths for x in re.findall(r"M([\d.]+) ([\d.]+)h0", path)
    ]


def test_what_is_near_stands_near():
    vectors, groups = clusters()
    places = laid_out(vectors)
    assert places.shape == (100, 2)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    assert (groups[apart.argmin(axis=1)] == groups).mean() > 0.95


def test_the_same_vectors_stand_at_the_same_places():
    vectors, _ = clusters()
    np.testing.assert_array_equal(laid_out(vectors), laid_out(vectors))
    np.testing.assert_array_equal(laid_out(vectors), laid_out(vectors.copy() * 1.0))


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("width", [1, 2, 7])
@pytest.mark.parametrize("same", [True, False])
def test_few_or_equal_vectors_have_places_too(rows, width, same):
    vectors = np.random.default_rng(0).normal(size=(rows, width))
    places = laid_out(np.repeat(vectors[:1], rows, axis=0) if same else vectors)
    assert places.shape == (rows, 2)
    assert np.isfinite(places).all()


def test_zero_vectors_are_drawn():
    assert np.isfinite(laid_out(np.zeros((6, 3)))).all()


def test_each_group_has_its_points_and_its_name():
    vectors, groups = clusters()
    drawn = vector_map(figure(vectors, groups, ["card", "film", "a <b>", "bank"]))
    assert [len(points(drawn, f"c{n}")) for n in (1, 2, 3, 4)] == [25] * 4
    assert "a &lt;b&gt; (25)" in drawn
    assert "<title>film</title>" in drawn
    inside = [x for n in (1, 2, 3, 4) for place in points(drawn, f"c{n}") for x in place]
    assert min(inside) >= 0
    assert max(inside) <= 560


def test_groups_beyond_the_colours_share_one_and_keep_their_names():
    vectors, groups = clusters(count=12, rows=5)
    drawn = vector_map(figure(vectors, groups, [f"label {n}" for n in range(12)]))
    assert len(points(drawn, "c8")) == 25
    assert "5 other groups (25)" in drawn
    assert all(f"<title>label {n}</title>" in drawn for n in range(12))


def test_rings_stand_round_the_points_they_are_for():
    vectors, groups = clusters()
    ringed = np.arange(100) == 30
    drawn = vector_map(figure(vectors, groups, list("abcd"), ringed))
    (ring,) = re.findall(r'class="ring" d="M([\d.]+) ([\d.]+)a', str(drawn))
    place = points(drawn, "c3")[7]  # row 30 is the eighth of its group
    assert (float(ring[0]) + 4.5, float(ring[1])) == pytest.approx(place)
    assert "ring" not in vector_map(figure(vectors, groups, list("abcd")))


def test_what_is_not_finite_is_left_out():
    vectors, groups = clusters()
    vectors[0] = np.nan
    assert len(points(vector_map(figure(vectors, groups, list("abcd"))), "c1")) in (24, 25)
    assert "no finite number" in picture(figure(np.full((3, 2), np.nan)))
