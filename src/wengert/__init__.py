from .core.state import no_grad
from .core.tensor import Tensor, tensor
from . import numpy
from .numpy import functions, methods
from .transforms.reverse import *
from .transforms.forward import *
from .transforms.vmap import vmap
from .transforms.jacobians import *
