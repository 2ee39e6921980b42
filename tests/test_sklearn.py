"""`glossator.sklearn`: a text classifier among the estimators of scikit-learn."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import InputTags, estimator_checks
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from glossator.errors import InputError, TextError
from glossator.sklearn import TextClassifier

WORDS = ("card", "film")
TEXTS = [f"{WORDS[i % 2]} {i}" for i in range(40)]
LABELS = ["money" if i % 2 == 0 else "fun" for i in range(40)]


@pytest.fixture(scope="module")
def estimator(tiny_model_folder):
    return TextClassifier(
        str(tiny_model_folder), max_steps=80, learning_rate=3e-3, batch_size=8, device="cpu",
        precision="float32", dev_fraction=0.2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def fitted(estimator):
    return clone(estimator).fit(TEXTS, LABELS)


def quick(estimator):
    return clone(estimator).set_params(max_steps=1)


# scikit-learn leaves out almost all of its checks where a sample is a text. Here each row of
# numbers is one, so that they run.


class OnNumbers(TextClassifier):
    __init__ = TextClassifier.__init__

    def fit(self, X, y):
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        return super().fit(written(X), y)

    def predict(self, X):
        check_is_fitted(self)
        return super().predict(written(validate_data(self, X, reset=False)))

    def predict_proba(self, X):
        check_is_fitted(self)
        return super().predict_proba(written(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = InputTags()
        return tags


def written(X):
    return [" ".join(str(int(2 * value)) for value in row) for row in X]


NOT_FOR_TEXTS = {
    "check_classifiers_train": "wants blobs of numbers told apart, by a model that took one step",
    "check_array_api_input": "texts are in no array of another library",
}


@pytest.mark.filterwarnings("ignore")  # of what the checks try
def test_checks_of_scikit_learn(estimator):
    arguments = {**estimator.get_params(), "max_steps": 1}
    found = estimator_checks.check_estimator(
        OnNumbers(**arguments),
        expected_failed_checks=NOT_FOR_TEXTS,
        on_skip=None,
        on_fail=None,
    )
    assert len(found) > 40
    bad = {x["check_name"]: x["exception"] for x in found if x["status"] not in ("passed", "xfail")}
    assert bad.keys() <= {"check_array_api_input"}, bad


@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_checks_of_scikit_learn_for_texts(estimator):
    found = estimator_checks.check_estimator(clone(estimator), on_skip=None, on_fail=None)
    assert {x["status"] for x in found} == {"passed"}


def test_it_learns_and_answers_in_the_classes_of_y(fitted):
    assert fitted.classes_.tolist() == ["fun", "money"]
    assert fitted.predict(TEXTS).tolist() == LABELS
    assert fitted.score(TEXTS, LABELS) == 1.0
    chances = fitted.predict_proba(TEXTS)
    assert chances.shape == (40, 2)
    np.testing.assert_allclose(chances.sum(1), 1)
    assert (fitted.classes_[chances.argmax(1)] == np.array(LABELS)).mean() > 0.9


@pytest.mark.parametrize(
    "classes",
    [
        np.array([7, -3]), np.array([1.0, 0.0]), np.array([True, False]),
        np.array(["b", "a"]), np.array(["b", " "]), np.array([10, 9]),
    ],
    ids=str,
)  # fmt: skip
def test_classes_keep_their_type_and_order(estimator, classes):
    y = classes[np.arange(40) % 2]
    model = quick(estimator).fit(TEXTS, y)
    assert np.array_equal(model.classes_, np.sort(classes))
    found = model.predict(TEXTS[:5])
    assert found.dtype == y.dtype
    assert set(found.tolist()) <= set(classes.tolist())
    names = [answer.label for answer in model.model_.predict(TEXTS[:5])]
    if classes.dtype.kind == "i":
        assert [str(x) for x in found.tolist()] == names


def test_columns_are_in_the_order_of_the_classes(estimator):
    """9 stands before 10, and "10" before "9"."""
    y = np.where(np.array(LABELS) == "fun", 10, 9)
    model = clone(estimator).fit(TEXTS, y)
    assert model.model_.classes_.tolist() == ["10", "9"]
    assert (model.classes_[model.predict_proba(TEXTS).argmax(1)] == y).mean() > 0.9
    assert (model.predict(TEXTS) == y).all()


def test_texts_come_in_any_form(fitted):
    pandas = pytest.importorskip("pandas")
    expected = fitted.predict_proba(TEXTS)
    array = np.array(TEXTS)
    series = pandas.Series(TEXTS, index=range(100, 140))
    forms = [
        tuple(TEXTS),
        array,
        array.astype(object),
        array[:, None],
        series,
        series.to_frame("m"),
    ]
    for texts in forms:
        assert np.array_equal(fitted.predict_proba(texts), expected)


def test_in_a_pipeline_a_search_and_a_cross_validation(estimator):
    folds = StratifiedKFold(2)
    pipeline = Pipeline([("same", FunctionTransformer()), ("classifier", quick(estimator))])
    for texts in (TEXTS, np.array(TEXTS)):
        scores = cross_val_score(pipeline, texts, LABELS, cv=folds, error_score="raise")
        assert scores.shape == (2,)
    grid = {"max_steps": [1, 80]}
    search = GridSearchCV(estimator, grid, cv=folds, error_score="raise").fit(TEXTS, LABELS)
    assert search.best_params_ == {"max_steps": 80}
    assert search.best_score_ > 0.9


def test_the_seed_decides(estimator):
    a, b, c = (
        quick(estimator).set_params(random_state=seed).fit(TEXTS, LABELS).predict_proba(TEXTS)
        for seed in (1, 1, np.random.RandomState(5))
    )
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_pickle_holds_the_model_folder(fitted, estimator):
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert again.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        pickle.loads(pickle.dumps(estimator)).predict(TEXTS)


def test_nothing_is_written_beside(estimator, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    quick(estimator).fit(TEXTS, LABELS).predict(TEXTS)
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_numpy_are_numbers(estimator):
    """A search that draws them gives such."""
    drawn = {"max_steps": np.int64(1), "learning_rate": np.float32(1e-3), "batch_size": np.int32(4)}
    model = clone(estimator).set_params(**drawn, random_state=np.int64(3)).fit(TEXTS, LABELS)
    assert model.model_.details.steps["taken"] == 1


def test_options_reach_the_run(estimator):
    model = quick(estimator).set_params(options={"class_weights": "auto"}).fit(TEXTS, LABELS)
    assert model.model_.task.options.class_weights == "auto"
    with pytest.raises(InputError, match="unknown option 'class_weight'"):
        quick(estimator).set_params(options={"class_weight": "auto"}).fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        ("card", ["a"], "got 'card'"),
        (["card", 3], ["a", "b"], r"X\[1\] is 3 \(int\)"),
        (np.zeros((2, 3)), ["a", "b"], r"X\[0\] is array"),
        ([], [], "0 sample"),
        (["a", "b"], ["a"], "inconsistent numbers of samples"),
        (["a", "b"], ["a", "a"], "1 class; at least two"),
        (["a", "b"], None, "y is None"),
        (["a", "b"], [0.5, 1.0], "fractions"),
        (["a", "b"], [1, "b", None], "inconsistent|values of"),
        (["a", "b"], np.array([1, "b"], object), "values of int, str"),
    ],
)
def test_what_is_wrong_is_told(estimator, X, y, said):
    with pytest.raises(ValueError, match=said):
        quick(estimator).fit(X, y)


def test_a_text_that_shows_nothing_has_no_class(fitted):
    for ask in (fitted.predict, fitted.predict_proba):
        with pytest.raises(TextError, match="text 1: the text is empty"):
            ask(["card", " "])


def test_a_class_without_a_text_is_never_answered(estimator):
    texts, labels = [*TEXTS, " ", ""], [*LABELS, "none", "none"]
    with pytest.warns(UserWarning, match="2 of 42 rows cannot be used"):
        model = quick(estimator).fit(texts, labels)
    assert model.classes_.tolist() == ["fun", "money", "none"]
    chances = model.predict_proba(TEXTS)
    assert (chances[:, 2] == 0).all()
    np.testing.assert_allclose(chances.sum(1), 1)
