"""infinity, by its own command: MODEL PORT."""

from __future__ import annotations

import sys

import torch
from infinity_emb.cli import cli

torch.set_num_threads(1)
model, port = sys.argv[1:]
words = ["--model-id", model, "--served-model-name", "m", "--host", "127.0.0.1", "--port", port]
words += ["--device", "cpu", "--engine", "torch", "--no-bettertransformer", "--url-prefix", ""]
words += ["--log-level", "warning"]  # or it writes a line for each request, as no other does
sys.argv = ["infinity_emb", "v2", *words]
cli()
