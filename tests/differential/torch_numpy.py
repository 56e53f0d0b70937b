"""PyTorch under NumPy's names, as far as the differential test needs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


class _Linalg:
    inv = staticmethod(torch.linalg.inv)
    det = staticmethod(torch.linalg.det)
    slogdet = staticmethod(torch.linalg.slogdet)
    solve = staticmethod(torch.linalg.solve)
    cholesky = staticmethod(torch.linalg.cholesky)
    norm = staticmethod(torch.linalg.norm)


class TorchNumpy:
    """The namespace; names that PyTorch shares with NumPy are passed on."""

    linalg = _Linalg

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    @staticmethod
    def constant(array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(array)

    @staticmethod
    def set_item(x: Any, index: Any, value: Any) -> Any:
        result = x.clone()
        result[index] = value
        return result

    @staticmethod
    def add_item(x: Any, index: Any, value: Any) -> Any:
        result = x.clone()
        view = result[index]
        view += value
        return result

    @staticmethod
    def write(x: Any, index: Any, value: Any, how: str, transposed: bool = False) -> Any:
        result = x.clone()
        target = result
        if transposed:
            target, index = result.T, tuple(reversed(index))
        if how == "set":
            target[index] = value
        elif how == "multiply":
            target[index] = target[index].clone() * value  # PyTorch refuses without the clone
        elif isinstance(index, tuple):
            index = tuple(torch.as_tensor(part) for part in index)
            value = torch.broadcast_to(torch.as_tensor(value, dtype=x.dtype), target[index].shape)
            return target.index_put(index, value, accumulate=True)
        else:
            target[index] = target[index].clone() + value
        return result

    @staticmethod
    def fourier(name: str, x: Any, axis: int) -> Any:
        return getattr(torch.fft, name)(x, dim=axis)

    @staticmethod
    def _axes(x: Any, axis: Any) -> tuple[int, ...]:
        if axis is None:
            return tuple(range(x.ndim))
        return (axis,) if isinstance(axis, int) else axis

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return torch.sum(x, dim=self._axes(x, axis), keepdim=keepdims) if x.ndim else x

    def mean(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return torch.mean(x, dim=self._axes(x, axis), keepdim=keepdims)

    def max(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return torch.amax(x, dim=self._axes(x, axis), keepdim=keepdims)

    def min(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return torch.amin(x, dim=self._axes(x, axis), keepdim=keepdims)

    def var(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return torch.var(x, dim=self._axes(x, axis), correction=0, keepdim=keepdims)

    def std(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return torch.std(x, dim=self._axes(x, axis), correction=0, keepdim=keepdims)

    def prod(self, x: Any, axis: Any, keepdims: bool) -> Any:
        axes = sorted((number % x.ndim for number in self._axes(x, axis)), reverse=True)
        for number in axes:
            x = torch.prod(x, dim=number, keepdim=keepdims)
        return x

    @staticmethod
    def sort(x: Any, axis: int) -> Any:
        return torch.sort(x, dim=axis).values

    @staticmethod
    def cumsum(x: Any, axis: int) -> Any:
        return torch.cumsum(x, dim=axis)

    @staticmethod
    def transpose(x: Any, axes: Any = None) -> Any:
        return x.permute(tuple(axes) if axes is not None else tuple(reversed(range(x.ndim))))

    @staticmethod
    def expand_dims(x: Any, axis: int) -> Any:
        return torch.unsqueeze(x, axis)

    @staticmethod
    def concatenate(parts: Any, axis: int) -> Any:
        return torch.cat(parts, dim=axis)

    @staticmethod
    def stack(parts: Any, axis: int) -> Any:
        return torch.stack(parts, dim=axis)

    @staticmethod
    def flip(x: Any, axis: int) -> Any:
        return torch.flip(x, (axis,))

    @staticmethod
    def roll(x: Any, shift: int, axis: int) -> Any:
        return torch.roll(x, shift, dims=axis)

    @staticmethod
    def where(condition: Any, x: Any, y: Any) -> Any:
        return torch.where(condition, x, y)

    @staticmethod
    def dot(x: Any, y: Any) -> Any:
        return torch.matmul(x, y)

    @staticmethod
    def tensordot(x: Any, y: Any, axes: Any) -> Any:
        return torch.tensordot(x, y, dims=axes)

    @staticmethod
    def power(x: Any, y: Any) -> Any:
        return torch.pow(x, y)

    @staticmethod
    def hypot(x: Any, y: Any) -> Any:
        return torch.hypot(*torch.broadcast_tensors(x, y))
