"""The libraries that are compared: which are installed, which versions, how many threads."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

# Name in the tables -> module and distribution.
PEERS = {
    "numpy": "numpy",
    "wengert": "wengert",
    "autograd": "autograd",
    "pytorch": "torch",
    "torch.func": "torch",
    "jax": "jax",
}
TORCH_THREADS = 2
_ENVIRONMENT = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
)


def is_installed(module: str) -> bool:
    """Whether a module can be imported."""
    return importlib.util.find_spec(module) is not None


def installed() -> tuple[list[str], list[str]]:
    """The peers that can be imported, and those that cannot."""
    found = [peer for peer, module in PEERS.items() if is_installed(module)]
    return found, [peer for peer in PEERS if peer not in found]


def set_up(peers: list[str]) -> None:
    """Set PyTorch's threads and JAX's precision."""
    if "pytorch" in peers or "torch.func" in peers:
        import torch

        torch.set_num_threads(TORCH_THREADS)
    if "jax" in peers:
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        import jax

        jax.config.update("jax_enable_x64", True)


def machine(peers: list[str]) -> dict[str, Any]:
    """What the figures depend on besides the code: processor, versions, threads, environment."""
    versions = {"python": platform.python_version()}
    for peer in peers:
        module = PEERS[peer]
        versions[module] = importlib.metadata.version(module)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
        "blas": _blas(),
        "pytorch_threads": TORCH_THREADS if "pytorch" in peers else None,
        "environment": {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
    }


def _blas() -> str:
    """The BLAS that NumPy uses, and its kernel for this processor if threadpoolctl tells."""
    build: Any = np.show_config(mode="dicts")
    blas = build["Build Dependencies"]["blas"]
    text = f"{blas.get('name', '?')} {blas.get('version', '')}".strip()
    if importlib.util.find_spec("threadpoolctl"):
        from threadpoolctl import threadpool_info

        for info in threadpool_info():
            if info["user_api"] == "blas" and "numpy" in info["filepath"]:
                text += f", {info.get('architecture', '?')}, {info['num_threads']} threads"
    return text


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    by_key = {key.strip(): value.strip() for key, value in fields.items()}
    return by_key.get("model name") or platform.processor() or "unknown"
