"""A training run that kills itself: ``killed_run.py NETWORK DIRECTORY WHERE COUNT``.

NETWORK is ``plain`` or ``stateful``, with batch normalization and dropout.

WHERE is ``update`` (the COUNT-th update of this process), ``before`` or ``after`` (the COUNT-th
file that this process puts in its place), or ``never``.
"""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from wengert.train import Settings, train_dataset
from wengert.train.loop import _Trainer

PLAIN = Settings(
    "digits", hidden=(16,), lr=0.1, decay=0.9, momentum=0.9, batch=50, epochs=3, seed=4
)
SETTINGS = {
    "plain": PLAIN,
    "stateful": replace(PLAIN, batch_norm=True, dropout=0.3, weight_decay=0.01, warmup=1),
}


def kill_at(where: str, count: int) -> None:
    calls = 0

    def is_time() -> bool:
        nonlocal calls
        calls += 1
        return calls == count

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    count_step, put = _Trainer._count, os.replace

    def dying_update(self, *args):
        if is_time():
            die()
        return count_step(self, *args)

    def dying_replace(source, target):
        now = is_time()
        if now and where == "before":
            die()
        put(source, target)
        if now:
            die()

    if where == "update":
        _Trainer._count = dying_update
    elif where in ("before", "after"):
        os.replace = dying_replace


if __name__ == "__main__":
    settings = SETTINGS[sys.argv[1]]
    directory, where, count = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    kill_at(where, count)
    resume = (directory / "checkpoint.safetensors").exists()
    train_dataset(settings, directory, resume=resume, checkpoint_every=3)
