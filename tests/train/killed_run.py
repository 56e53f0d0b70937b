"""A training run that kills itself: ``killed_run.py DIRECTORY WHERE COUNT``.

WHERE is ``update`` (the COUNT-th update of this process), ``before`` or ``after`` (the COUNT-th
file that this process puts in its place), or ``never``.
"""

import os
import signal
import sys
from pathlib import Path

from wengert.optim import SGD
from wengert.train import Settings, train_dataset

SETTINGS = Settings(
    "digits", hidden=(16,), lr=0.1, decay=0.9, momentum=0.9, batch=50, epochs=3, seed=4
)


def kill_at(where: str, count: int) -> None:
    calls = 0

    def is_time() -> bool:
        nonlocal calls
        calls += 1
        return calls == count

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    update, replace = SGD.update, os.replace

    def dying_update(self, params, grads, state):
        if is_time():
            die()
        return update(self, params, grads, state)

    def dying_replace(source, target):
        now = is_time()
        if now and where == "before":
            die()
        replace(source, target)
        if now:
            die()

    if where == "update":
        SGD.update = dying_update
    elif where in ("before", "after"):
        os.replace = dying_replace


if __name__ == "__main__":
    directory, where, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    kill_at(where, count)
    resume = (directory / "checkpoint.safetensors").exists()
    train_dataset(SETTINGS, directory, resume=resume, checkpoint_every=3)
