"""The keys of what `fit --json` prints, as the design names them."""

ROWS = {"read", "used", "rejected", "train", "dev", "test"}
TRAIN = {
    "seconds",
    "epochs",
    "steps",
    "examples_per_second",
    "tokens_per_second",
    "best_step",
    "ended_by",
}
