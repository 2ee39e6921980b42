"""A replica in a process of its own, asked 20 times; tells the answers and the metrics as JSON.

    python one_replica.py REPLICA HEADERS METRICS_HEADERS

REPLICA is what Ray would send, in hexadecimal.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys

from starlette.testclient import TestClient

PREDICT = "/v1/models/topics/predict"


async def main(app, headers, metrics):
    told, said = asyncio.Queue(), asyncio.Queue()
    told.put_nowait({"type": "lifespan.startup"})
    life = asyncio.create_task(app({"type": "lifespan"}, told.get, said.put))
    assert (await said.get())["type"] == "lifespan.startup.complete"
    client = TestClient(app, base_url="http://localhost")

    def ask():
        answers = [
            client.post(PREDICT, headers=headers, json={"inputs": ["the card was 3"]}).status_code
            for _ in range(20)
        ]
        return {"answers": answers, "metrics": client.get("/metrics", headers=metrics).text}

    sys.stdout.write(json.dumps(await asyncio.to_thread(ask)))
    told.put_nowait({"type": "lifespan.shutdown"})
    await life


if __name__ == "__main__":
    replica, *headers = sys.argv[1:]
    asyncio.run(main(pickle.loads(bytes.fromhex(replica)), *map(json.loads, headers)))
