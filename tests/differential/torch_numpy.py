"""PyTorch under NumPy's names, as far as the differential test needs them.

Where PyTorch has no such function, it is composed of others that it has, unless that would be as
much work as the function itself: then it is missing, and such programs are not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from tests.differential.libraries import UnsupportedError
from tests.differential.torch_scipy import Distributions, ScipyLinalg, Special


class _Linalg:
    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(torch.linalg, name)
        except AttributeError:
            raise UnsupportedError(name) from None

    @staticmethod
    def norm(x: Any, order: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
        return torch.linalg.norm(x, order, dim=axis, keepdim=keepdims)

    @staticmethod
    def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
        if not compute_uv:
            return torch.linalg.svdvals(x)
        return torch.linalg.svd(x, full_matrices=full_matrices)

    @staticmethod
    def lstsq(a: Any, b: Any, rcond: None) -> Any:
        return (torch.linalg.lstsq(a, b[:, None]).solution[:, 0],)


class TorchNumpy:
    """The namespace; names that PyTorch shares with NumPy are passed on."""

    linalg = _Linalg()
    special = Special()
    slinalg = ScipyLinalg()
    stats = Distributions()

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(torch, name)
        except AttributeError:
            raise UnsupportedError(name) from None

    @staticmethod
    def constant(array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(array)

    # -------------------------------------------------------------- transforms

    @staticmethod
    def vmap(f: Any, in_axes: Any, out_axes: Any) -> Any:
        return torch.func.vmap(f, in_axes, out_axes)

    @staticmethod
    def grad(f: Any) -> Any:
        return torch.func.grad(f)

    @staticmethod
    def jvp(f: Any, x: Any, tangent: Any) -> Any:
        return torch.func.jvp(f, (x,), (tangent,))[1]

    # -------------------------------------------------------------- writes

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
        scattered = isinstance(index, tuple) and any(isinstance(i, np.ndarray) for i in index)
        if how == "set":
            target[index] = value
        elif how == "multiply":
            target[index] = target[index].clone() * value  # PyTorch refuses without the clone
        elif scattered:
            index = tuple(torch.as_tensor(part) for part in index)
            value = torch.broadcast_to(torch.as_tensor(value, dtype=x.dtype), target[index].shape)
            return target.index_put(index, value, accumulate=True)
        else:
            target[index] = target[index].clone() + value
        return result

    @staticmethod
    def write_view(x: Any, path: Sequence[Any], value: Any, how: str) -> Any:
        result = x.clone()
        view = result
        for index in path:
            view = view[index]
        if how == "set":
            view[...] = value
        elif how == "add":
            view += value
        else:
            view[...] = view.clone() * value
        return result

    # -------------------------------------------------------------- Fourier transforms

    @staticmethod
    def fourier(name: str, x: Any, axis: int, **options: Any) -> Any:
        return getattr(torch.fft, name)(x, dim=axis, **options)

    @staticmethod
    def fourier_n(name: str, x: Any) -> Any:
        return getattr(torch.fft, name)(x)

    # -------------------------------------------------------------- reductions

    @staticmethod
    def _axes(x: Any, axis: Any) -> tuple[int, ...]:
        if axis is None:
            return tuple(range(x.ndim))
        return (axis,) if isinstance(axis, int) else axis

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return torch.sum(x, dim=self._axes(x, axis), keepdim=keepdims) if x.ndim else x

    def mean(self, x: Any, axis: Any, keepdims: bool = False) -> Any:
        return torch.mean(x, dim=self._axes(x, axis), keepdim=keepdims)

    def max(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return torch.amax(x, dim=self._axes(x, axis), keepdim=keepdims)

    def min(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return torch.amin(x, dim=self._axes(x, axis), keepdim=keepdims)

    def var(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return torch.var(x, dim=self._axes(x, axis), correction=0, keepdim=keepdims)

    def std(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return torch.std(x, dim=self._axes(x, axis), correction=0, keepdim=keepdims)

    def prod(self, x: Any, axis: Any, keepdims: bool = False) -> Any:
        axes = sorted((number % x.ndim for number in self._axes(x, axis)), reverse=True)
        for number in axes:
            x = torch.prod(x, dim=number, keepdim=keepdims)
        return x

    @staticmethod
    def ptp(x: Any, axis: int) -> Any:
        return torch.amax(x, dim=axis) - torch.amin(x, dim=axis)

    @staticmethod
    def average(x: Any, axis: int, weights: Any) -> Any:
        return torch.sum(x * weights, dim=axis) / torch.sum(weights, dim=axis)

    @staticmethod
    def argmax(x: Any, axis: int) -> Any:
        return torch.argmax(x, dim=axis)

    @staticmethod
    def trace(x: Any, offset: int = 0, axis1: int = -2, axis2: int = -1) -> Any:
        return torch.diagonal(x, offset, axis1, axis2).sum(-1)

    # -------------------------------------------------------------- without NaN

    def nansum(self, x: Any, axis: Any) -> Any:
        return torch.nansum(x, dim=self._axes(x, axis))

    def nanmean(self, x: Any, axis: Any) -> Any:
        return torch.nanmean(x, dim=self._axes(x, axis))

    def nanmax(self, x: Any, axis: Any) -> Any:
        filled = torch.where(torch.isnan(x), -np.inf, x)
        return torch.amax(filled, dim=self._axes(x, axis))

    def nanmin(self, x: Any, axis: Any) -> Any:
        return -self.nanmax(-x, axis)

    def nanprod(self, x: Any, axis: Any) -> Any:
        return self.prod(torch.where(torch.isnan(x), 1.0, x), axis)

    def nanvar(self, x: Any, axis: Any) -> Any:
        mean = torch.nanmean(x, dim=self._axes(x, axis), keepdim=True)
        # Filled, for a NaN times a cotangent of zero is a NaN in PyTorch.
        filled = torch.where(torch.isnan(x), mean, x)
        squares = torch.sum((filled - mean) ** 2, dim=self._axes(x, axis))
        return squares / torch.sum(~torch.isnan(x), dim=self._axes(x, axis))

    def nanstd(self, x: Any, axis: Any) -> Any:
        return torch.sqrt(self.nanvar(x, axis))

    @staticmethod
    def nancumsum(x: Any, axis: int) -> Any:
        return torch.cumsum(torch.nan_to_num(x), dim=axis)

    @staticmethod
    def nanquantile(x: Any, q: float, axis: Any) -> Any:
        return torch.nanquantile(x, q, dim=axis)

    def nanmedian(self, x: Any, axis: Any) -> Any:
        return self.nanquantile(x, 0.5, axis)

    # -------------------------------------------------------------- along an axis

    @staticmethod
    def sort(x: Any, axis: int) -> Any:
        return torch.sort(x, dim=axis).values

    partition = staticmethod(lambda x, k, axis: torch.sort(x, dim=axis).values)

    @staticmethod
    def argsort(x: Any, axis: int) -> Any:
        return torch.argsort(x, dim=axis)

    @staticmethod
    def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
        return torch.take_along_dim(x, indices, dim=axis)

    @staticmethod
    def take(x: Any, indices: Any, axis: int) -> Any:
        return x[(slice(None),) * (axis % x.ndim) + (torch.as_tensor(indices),)]

    @staticmethod
    def compress(mask: Any, x: Any, axis: int) -> Any:
        assert axis == 0
        return x[torch.as_tensor(mask)]

    def median(self, x: Any, axis: Any, keepdims: bool) -> Any:
        axes = sorted(number % x.ndim for number in self._axes(x, axis))
        kept = [number for number in range(x.ndim) if number not in axes]
        rows = x.permute([*kept, *axes]).reshape([x.shape[number] for number in kept] + [-1])
        result = torch.quantile(rows, 0.5, dim=-1)
        for number in axes if keepdims else ():
            result = result.unsqueeze(number)
        return result

    @staticmethod
    def quantile(x: Any, q: float, axis: int) -> Any:
        return torch.quantile(x, q, dim=axis)

    @staticmethod
    def percentile(x: Any, q: Any, axis: int, method: str) -> Any:
        return torch.quantile(x, torch.as_tensor(q) / 100, dim=axis, interpolation=method)

    @staticmethod
    def cumsum(x: Any, axis: int) -> Any:
        return torch.cumsum(x, dim=axis)

    @staticmethod
    def cumprod(x: Any, axis: int) -> Any:
        return torch.cumprod(x, dim=axis)

    @staticmethod
    def accumulate(name: str, x: Any, axis: int) -> Any:
        return {"maximum": torch.cummax, "minimum": torch.cummin}[name](x, dim=axis).values

    @staticmethod
    def diff(x: Any, n: int, axis: int) -> Any:
        return torch.diff(x, n=n, dim=axis)

    @staticmethod
    def gradient(x: Any, spacing: float, axis: int) -> Any:
        return torch.gradient(x, spacing=spacing, dim=axis)[0]

    @staticmethod
    def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
        if x is None:
            return torch.trapezoid(y, dx=dx, dim=axis)
        return torch.trapezoid(y, x, dim=axis)

    # -------------------------------------------------------------- shapes

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
    def repeat(x: Any, counts: Any, axis: int) -> Any:
        counts = torch.as_tensor(counts) if isinstance(counts, np.ndarray) else counts
        return torch.repeat_interleave(x, counts, dim=axis)

    @staticmethod
    def split(x: Any, places: list[int], axis: int) -> Any:
        return torch.tensor_split(x, places, dim=axis)

    @staticmethod
    def vander(x: Any, n: int) -> Any:
        raise UnsupportedError("vander: its rule fails with 'modified by an inplace operation'")

    @staticmethod
    def meshgrid(*arrays: Any, indexing: str = "xy") -> Any:
        return torch.meshgrid(*arrays, indexing=indexing)

    @staticmethod
    def pad(x: Any, widths: Any, mode: str) -> Any:
        names = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}
        names["wrap"] = "circular"
        if mode not in names:
            raise UnsupportedError(f"pad, mode {mode}")
        rows = x.reshape(1, -1, x.shape[-1])
        padded = torch.nn.functional.pad(rows, widths[-1], mode=names[mode])
        return padded.reshape(*x.shape[:-1], -1)

    # -------------------------------------------------------------- elementwise

    @staticmethod
    def where(condition: Any, x: Any, y: Any) -> Any:
        return torch.where(condition, x, y)

    @staticmethod
    def select(conditions: Any, choices: Any, default: float) -> Any:
        result: Any = default
        for condition, choice in reversed(list(zip(conditions, choices))):
            result = torch.where(condition, choice, result)
        return result

    @staticmethod
    def power(x: Any, y: Any) -> Any:
        return torch.pow(x, y)

    @staticmethod
    def cbrt(x: Any) -> Any:
        return torch.sign(x) * torch.abs(x) ** (1 / 3)

    fabs = staticmethod(torch.abs)
    rint = staticmethod(torch.round)

    @staticmethod
    def logaddexp(x: Any, y: Any) -> Any:
        return torch.logaddexp(x, torch.as_tensor(y, dtype=x.dtype))

    @staticmethod
    def hypot(x: Any, y: Any) -> Any:
        return torch.hypot(*torch.broadcast_tensors(x, y))

    # -------------------------------------------------------------- products

    @staticmethod
    def dot(x: Any, y: Any) -> Any:
        return torch.matmul(x, y)

    @staticmethod
    def tensordot(x: Any, y: Any, axes: Any) -> Any:
        return torch.tensordot(x, y, dims=axes)

    @staticmethod
    def vecdot(x: Any, y: Any) -> Any:
        return torch.linalg.vecdot(x, y)

    @staticmethod
    def cross(x: Any, y: Any) -> Any:
        return torch.linalg.cross(x, y, dim=-1)

    @staticmethod
    def correlate(x: Any, y: Any, mode: str) -> Any:
        n = y.shape[0]
        before = {"valid": 0, "same": n // 2, "full": n - 1}[mode]
        after = {"valid": 0, "same": n - 1 - n // 2, "full": n - 1}[mode]
        padded = torch.nn.functional.pad(x, (before, after))
        return torch.nn.functional.conv1d(padded[None, None], y[None, None])[0, 0]

    def convolve(self, x: Any, y: Any, mode: str) -> Any:
        return self.correlate(x, torch.flip(y, (0,)), mode)

    @staticmethod
    def polyval(coefficients: Any, x: Any) -> Any:
        powers = torch.linalg.vander(x, N=coefficients.shape[0])
        return powers @ torch.flip(coefficients, (0,))
