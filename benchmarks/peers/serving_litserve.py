"""A `transformers` pipeline behind LitServe, with its batches: MODEL PORT."""

# Annotations stay objects here: LitServe asks FastAPI for what they say, which cannot read strings.

import sys
from typing import Any

import litserve
import torch
from transformers import pipeline


class Api(litserve.LitAPI):
    def setup(self, device: str) -> None:
        torch.set_num_threads(1)
        self.answer = pipeline("text-classification", model=sys.argv[1])

    def decode_request(self, request: dict[str, Any]) -> str:
        return str(request["inputs"][0])  # its batches are of requests, so of one text each

    def batch(self, inputs: list[str]) -> list[str]:
        return list(inputs)

    def predict(self, texts: list[str]) -> list[Any]:
        return list(self.answer(texts, batch_size=len(texts)))

    def unbatch(self, output: list[Any]) -> list[Any]:
        return output

    def encode_response(self, output: Any) -> Any:
        return output


if __name__ == "__main__":
    api = Api(max_batch_size=32, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    port = int(sys.argv[2])
    server.run(host="127.0.0.1", port=port, generate_client_file=False, access_log=False)
