"""Temporary."""
import numpy as np
from ..core.bind import bind
from ..core.tensor import Tensor
from ..core import algebra
from ..rules.shapes import reshape, transpose, broadcast_to, astype
from ..rules.reductions import sum_, max_p
from ..rules.indexing import where_p
from .dispatch import implements, implements_method
from .methods import attach_method

def axes_of(axis, ndim):
    if axis is None: return tuple(range(ndim))
    return tuple(sorted(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,))))
@implements(np.sum)
def sum(a, axis=None, dtype=None, out=None, keepdims=False, **kw):
    return sum_(a, axes_of(axis, a.ndim), bool(keepdims))
@implements(np.max)
def max(a, axis=None, out=None, keepdims=False, **kw):
    return bind(max_p, (a,), dict(axis=axes_of(axis, a.ndim), keepdims=bool(keepdims)))
@implements(np.mean)
def mean(a, axis=None, dtype=None, out=None, keepdims=False):
    s = sum(a, axis, keepdims=keepdims)
    return s / (a.size / s.size)
@implements(np.reshape)
def reshape_(a, *shape, **kw):
    shape = shape[0] if len(shape)==1 else shape
    return reshape(a, (shape,) if isinstance(shape,int) else tuple(shape))
@implements(np.transpose)
def transpose_(a, *axes):
    if len(axes)==1 and (axes[0] is None or isinstance(axes[0], tuple)): axes = axes[0]
    return transpose(a, tuple(axes) if axes else tuple(reversed(range(a.ndim))))
@implements(np.where)
def where(c, x, y):
    return bind(where_p, (c, x, y), {})
@implements(np.zeros_like)
def zeros_like(a, dtype=None, **kw):
    z = algebra.zeros_like(a, dtype)
    return z if isinstance(z, Tensor) else __import__('wengert').core.tensor.handle(z, None, None)
@implements(np.broadcast_to)
def broadcast_to_(a, shape): return broadcast_to(a, shape)
from ..rules.contractions import matmul
implements(np.matmul)(matmul)
implements(np.dot)(matmul)
@implements_method(np.add, 'reduce')
def addred(a, axis=0, **kw): return sum(a, axis)
for n, f in dict(sum=sum, max=max, mean=mean, reshape=reshape_, transpose=transpose_).items(): attach_method(n, f)
attach_method('T', property(lambda x: transpose_(x)))
attach_method('astype', lambda x, d: astype(x, d))
attach_method('copy', lambda x: x * 1.0)
