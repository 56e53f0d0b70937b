"""Training: the loop, its checkpoints, metrics, plots and model files.

`fit` trains any model; `train_dataset` trains a named model on a named data set, which is what the
command line does. Written with the public interface of wengert only; there are no layers,
optimizers or data readers here.
"""

from wengert.train.examples import Data, Examples, evaluate
from wengert.train.experiment import Settings, default_settings, train_dataset
from wengert.train.interrupt import TrainingInterrupted
from wengert.train.loop import DivergenceError, Result, fit
from wengert.train.model_file import load_model, load_parameters, save_model
from wengert.train.run import Run

__all__ = [
    "Data",
    "DivergenceError",
    "Examples",
    "Result",
    "Run",
    "Settings",
    "TrainingInterrupted",
    "default_settings",
    "evaluate",
    "fit",
    "load_model",
    "load_parameters",
    "save_model",
    "train_dataset",
]
