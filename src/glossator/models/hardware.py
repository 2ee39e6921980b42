"""What the machine can do, found out at run time."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import torch

from glossator.errors import ConfigError

__all__ = [
    "choose_device",
    "choose_dtype",
    "crowded",
    "peak_memory",
    "processors",
    "using_threads",
]


def choose_device(name: str) -> torch.device:
    """The device for `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        ConfigError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
        raise ConfigError(f"--device must be auto, cpu, cuda or cuda:N, got '{name}'")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise ConfigError(f"--device {name}: this machine has {torch.cuda.device_count()} GPUs")
    return torch.device(name)


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The dtype to train in: for `auto` the one that computes faster, for `exact` float32."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = _cpu_has_bfloat16()
    return torch.bfloat16 if fast else torch.float32


def crowded(*, threads: int | None, processes: int) -> tuple[str, ...]:
    """Sentences on what asks more of the processor than it has, which is slower and no more."""
    there = processors()
    asked = {"threads": threads or 1}
    if torch.cuda.device_count() < processes:
        asked["processes"] = processes
    return tuple(
        f"--{name} {count} is more than the {there} processors that there are, and slower"
        for name, count in asked.items()
        if count > there
    )


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def using_threads(count: int | None) -> Iterator[None]:
    """Compute with `count` threads inside the block; None changes nothing."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware (AVX512-BF16, AMX or Arm's BF16)."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def peak_memory(device: str) -> int:
    """Bytes that this process has taken at most: of the GPU where one is used, else of memory."""
    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
