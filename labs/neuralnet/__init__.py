"""A modular library of layers with hand-written backward passes, and two classifiers made of it."""

from labs.neuralnet.classifier import Classifier
from labs.neuralnet.linear_classifier import LinearClassifier
from labs.neuralnet.two_layer_net import TwoLayerNet

__all__ = ["Classifier", "LinearClassifier", "TwoLayerNet"]
