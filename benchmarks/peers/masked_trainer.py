"""Peer: masked-language pretraining from random weights with transformers' Trainer.

Texts, one a line, are joined and cut into full rows, so that nothing is padding. With --best it
gets the fused optimizer, and bfloat16 where the hardware computes it. The last line is a JSON
object.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time

import torch
import transformers as hf
from best_trainer import computes_bfloat16


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("text")
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--best", action="store_true")
    p.add_argument("--attention", default="sdpa", choices=["sdpa", "eager"])
    for name, value in (("layers", 4), ("width", 256), ("length", 128), ("steps", 60)):
        p.add_argument(f"--{name}", type=int, default=value)
    p.add_argument("--batch-size", type=int, default=32)
    a = p.parse_args()

    hf.set_seed(0)
    tokenizer = hf.AutoTokenizer.from_pretrained(a.tokenizer)
    with open(a.text, encoding="utf-8") as file:
        encoded = tokenizer(file.read().splitlines(), add_special_tokens=False)["input_ids"]
    ids = list(itertools.chain.from_iterable(encoded))
    room, wanted = a.length - 2, a.steps * a.batch_size
    starts = itertools.islice(itertools.cycle(range(0, len(ids) - room, room)), wanted)
    ends = tokenizer.cls_token_id, tokenizer.sep_token_id
    rows = [{"input_ids": [ends[0], *ids[s : s + room], ends[1]]} for s in starts]
    config = hf.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=a.width,
        num_hidden_layers=a.layers,
        num_attention_heads=a.width // 64,
        intermediate_size=4 * a.width,
        attn_implementation=a.attention,
    )
    arguments = hf.TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        use_cpu=not torch.cuda.is_available(),
        per_device_train_batch_size=a.batch_size,
        max_steps=a.steps,
        learning_rate=5e-4,
        bf16=a.best and computes_bfloat16(),
        optim="adamw_torch_fused" if a.best else "adamw_torch",
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = hf.Trainer(
        model=hf.BertForMaskedLM(config),
        args=arguments,
        train_dataset=rows,
        data_collator=hf.DataCollatorForLanguageModeling(tokenizer),
    )
    began = time.perf_counter()
    loss = trainer.train().training_loss
    seconds = time.perf_counter() - began
    rate = wanted * a.length / seconds
    print(json.dumps({"tokens_per_second": round(rate), "seconds": seconds, "loss": loss}))


if __name__ == "__main__":
    main()
