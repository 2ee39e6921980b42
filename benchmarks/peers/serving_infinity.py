"""infinity, by its own command: MODEL PORT."""

from __future__ import annotations

import sys

import torch
from infinity_emb.cli import cli

torch.set_num_threads(1)
model, port = sys.argv[1:]
words = ["--model-id", model, "--served-model-name", "m", "--host", "127.0.0.1", "--port", port]
words += ["--device", "cpu", "--engine", "torch", "--no-bettertransformer", "--url-prefix", ""]
sys.argv = ["infinity_emb", "v2", *words]
cli()
