"""Scores, calibration, thresholds and comparisons: arrays in, numbers out, numpy alone."""

from __future__ import annotations

from glossator.evaluation.bootstrap import bootstrap_intervals
from glossator.evaluation.calibration import (
    Reliability,
    Temperature,
    expected_calibration_error,
    fit_temperature,
    reliability,
    softmax,
)
from glossator.evaluation.comparison import McNemar, PairedDifference, mcnemar, paired_bootstrap
from glossator.evaluation.confusion import ClassScore, classification_report, confusion_matrix
from glossator.evaluation.entities import EntityErrors, EntityScores
from glossator.evaluation.label_thresholds import (
    choose_thresholds,
    decide_labels,
    fit_binary_temperature,
)
from glossator.evaluation.metrics import ClassificationScores, classification_metrics
from glossator.evaluation.multilabel import MultilabelScores, multilabel_metrics
from glossator.evaluation.proportions import unless_degenerate, wilson_interval
from glossator.evaluation.ranking import roc_auc
from glossator.evaluation.regression import (
    RegressionScores,
    paired_difference,
    regression_metrics,
)
from glossator.evaluation.thresholds import (
    BestThreshold,
    ThresholdChoice,
    ThresholdCurve,
    best_threshold,
    choose_threshold,
    decide,
    threshold_curve,
)

__all__ = [
    "BestThreshold",
    "ClassScore",
    "ClassificationScores",
    "EntityErrors",
    "EntityScores",
    "McNemar",
    "MultilabelScores",
    "PairedDifference",
    "RegressionScores",
    "Reliability",
    "Temperature",
    "ThresholdChoice",
    "ThresholdCurve",
    "best_threshold",
    "bootstrap_intervals",
    "choose_threshold",
    "choose_thresholds",
    "classification_metrics",
    "classification_report",
    "confusion_matrix",
    "decide",
    "decide_labels",
    "expected_calibration_error",
    "fit_binary_temperature",
    "fit_temperature",
    "mcnemar",
    "multilabel_metrics",
    "paired_bootstrap",
    "paired_difference",
    "regression_metrics",
    "reliability",
    "roc_auc",
    "softmax",
    "threshold_curve",
    "unless_degenerate",
    "wilson_interval",
]
