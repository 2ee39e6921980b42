"""A `transformers` pipeline behind FastAPI, as its documentation shows: MODEL PORT."""

from __future__ import annotations

import sys
from typing import Any

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

torch.set_num_threads(1)
answer = pipeline("text-classification", model=sys.argv[1])
app = FastAPI()


class Asked(BaseModel):
    inputs: list[str]


@app.post("/predict")
def predict(asked: Asked) -> list[dict[str, Any]]:
    return list(answer(asked.inputs, batch_size=32))


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False)
