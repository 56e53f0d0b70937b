"""Faults in the records of primitives: partials, transposes, jvps, shape rules, evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core import algebra, sweep, transposition
from wengert.core.bind import bind as apply
from wengert.core.primitive import PRIMITIVES
from wengert.rules import (
    contractions,
    convolution,
    convolution_evaluation,
    fast,
    indexing,
    pooling,
)

from .planting import Planter, fault, scaled

# ------------------------------------------------------------------ partials and pointwise records


@fault("pointwise-sin")
def sign_of_a_partial(p: Planter) -> None:
    p.entry("sin", "partials", 0, scaled(-1.0))


@fault("pointwise-cbrt")
def factor_two_in_a_partial(p: Planter) -> None:
    p.entry("cbrt", "partials", 0, scaled(2.0))


@fault("pointwise-arctan2")
def partials_exchanged(p: Planter) -> None:
    p.record("arctan2", partials=PRIMITIVES["arctan2"].partials[::-1])


@fault("pointwise-hypot")
def missing_partial(p: Planter) -> None:
    p.entry("hypot", "partials", 1, lambda rule: None)


@fault("pointwise-tan")
def partial_of_the_input_instead_of_the_output(p: Planter) -> None:
    p.entry("tan", "partials", 0, lambda rule: lambda y, x: 1 + x * x)


@fault("pointwise-pow")
def exponent_not_lowered(p: Planter) -> None:
    p.entry("pow", "partials", 0, lambda rule: lambda z, x, y: y * x**y)


@fault("pointwise-arcsin")
def right_at_first_order_only(p: Planter) -> None:
    """The partial's own derivative is lost: a stop_gradient in the wrong place."""
    p.entry(
        "arcsin", "partials", 0, lambda rule: lambda y, x: 1 / np.sqrt(1 - x.detach() * x.detach())
        if hasattr(x, "detach") else rule(y, x),
    )  # fmt: skip


@fault("core-ties")
def ties_not_shared_by_maximum(p: Planter) -> None:
    p.record(
        "share_of_larger",
        evaluate=lambda x, y: np.greater_equal(x, y).astype(np.result_type(x, y)),
    )


@fault("reductions-max_of_ties")
def ties_not_shared_by_max(p: Planter) -> None:
    def jvp(ts: Any, ins: Any, out: Any, axis: Any, keepdims: bool = False) -> Any:
        from wengert.rules.reductions import kept_shape, sum_
        from wengert.rules.shapes import reshape

        winners = ins[0] == (out if keepdims else reshape(out, kept_shape(ins[0].shape, axis)))
        return sum_(ts[0] * winners.astype(ins[0].dtype), axis, keepdims)

    p.record("max", jvp=jvp)


@fault("core-guarded_roots")
def weak_zero(p: Planter) -> None:
    p.record("strong_product", evaluate=np.multiply)


@fault("core-guarded_roots", generic=True)
def sweep_not_repeated_with_strong_products(p: Planter) -> None:
    p.patch(sweep, "finite", lambda value: True)
    p.patch(sweep, "_is_abstract", lambda ct: False)


# ------------------------------------------------------------------ transposes of linear operations


@fault("shapes-transpose_axes", "shapes-moveaxis")
def axes_not_inverted(p: Planter) -> None:
    from wengert.rules import shapes

    p.patch(shapes, "_inverse", lambda axes: axes)


@fault("shapes-reshape", "shapes-ravel", "shapes-reshape_of_transposed")
def reshape_in_the_wrong_order(p: Planter) -> None:
    def rule(ct: Any, ins: Any, out: Any, shape: Any) -> Any:
        from wengert.rules.shapes import reshape, transpose

        turned = transpose(ct, tuple(reversed(range(ct.ndim))))
        return reshape(turned, ins[0].shape)

    p.entry("reshape", "transpose", 0, lambda before: rule)


@fault("shapes-broadcast_to")
def broadcast_summed_over_the_wrong_axis(p: Planter) -> None:
    def rule(ct: Any, ins: Any, out: Any, shape: Any) -> Any:
        flipped = apply(PRIMITIVES["getitem"], (ct,), {"template": ((None, None, -1),)}, False)
        return algebra.unbroadcast(flipped, ins[0].shape) * 0.5

    p.entry("broadcast_to", "transpose", 0, lambda before: rule)


@fault("core-two_ranks", "core-two_ranks_outer")
def unbroadcast_averages(p: Planter) -> None:
    before = algebra.unbroadcast

    def average(g: Any, shape: Any) -> Any:
        have = int(np.prod(g.shape))
        return before(g, shape) * (int(np.prod(shape)) / max(have, 1))

    for module in (algebra, fast):
        p.patch(module, "unbroadcast", average)


@fault("shapes-astype")
def cotangent_not_cast_back(p: Planter) -> None:
    p.entry("astype", "transpose", 0, lambda before: lambda ct, ins, out, dtype: ct)
    p.patch(algebra, "cast_like", lambda g, dtype: g)


@fault("reductions-sum_axis", generic=True)
def sum_spread_along_the_wrong_axis(p: Planter) -> None:
    def rule(ct: Any, ins: Any, out: Any, axis: Any, keepdims: bool = False) -> Any:
        from wengert.rules.shapes import broadcast_to, reshape

        shape = ins[0].shape
        wrong = [1] * len(shape)
        wrong[axis[0]] = ct.size
        return broadcast_to(reshape(ct, tuple(wrong)), shape)

    p.entry("sum", "transpose", 0, lambda before: rule)


@fault("indexing-gather_and_scatter", "core-batched_read", "indexing-read_matrix_of_indices")
def scatter_without_accumulation(p: Planter) -> None:
    def assign(ct: Any, *arrays: Any, template: Any, shape: Any) -> Any:
        total = np.zeros(shape, ct.dtype)
        total[indexing.join(template, arrays)] = ct
        return total

    p.record("scatter_add", evaluate=assign)


@fault("indexing-read_slice", "indexing-read_row")
def transposed_index(p: Planter) -> None:
    before = PRIMITIVES["scatter_add"].evaluate

    def scatter(ct: Any, *arrays: Any, template: Any, shape: Any) -> Any:
        total = before(ct, *arrays, template=template, shape=shape)
        return total[::-1].copy()

    p.record("scatter_add", evaluate=scatter)


@fault("core-write_through_views", "indexing-write_slice")
def overwritten_region_keeps_its_cotangent(p: Planter) -> None:
    p.entry("setitem", "transpose", 0, lambda before: lambda ct, ins, out, chain, template: ct)


@fault("indexing-write_duplicates", "indexing-write_duplicate_pairs")
def every_duplicate_writer_gets_the_cotangent(p: Planter) -> None:
    before = PRIMITIVES["last_writer"].evaluate
    p.record("last_writer", evaluate=lambda *a, **k: np.ones_like(before(*a, **k)))


@fault("selection-where")
def branches_exchanged(p: Planter) -> None:
    rules = PRIMITIVES["where"].transpose
    p.record("where", transpose=(None, rules[2], rules[1]))


@fault("cumulative-cumsum", "cumulative-cumsum_axis")
def running_sum_not_reversed(p: Planter) -> None:
    from wengert.rules.cumulative import cumsum

    p.record(
        "cumsum",
        transpose=(lambda ct, ins, out, axis, reverse=False: cumsum(ct, axis, reverse),),
    )


@fault("joining-concatenate")
def parts_in_the_wrong_order(p: Planter) -> None:
    before = PRIMITIVES["concatenate"].transpose
    p.record("concatenate", transpose=lambda i, ct, *a, **k: before(i, ct[::-1], *a, **k))


# ------------------------------------------------------------------ products, and rules by jvp


@fault("contractions-matmul_mm", "contractions-matmul_stack_stack", generic=True)
def factor_not_transposed(p: Planter) -> None:
    def rule(ct: Any, ins: Any, out: Any) -> Any:
        return algebra.unbroadcast(contractions.matmul(ct, ins[1]), ins[0].shape)

    p.entry("matmul", "transpose", 0, lambda before: rule)


@fault("contractions-matmul_mm", "contractions-matmul_vv", generic=True)
def spurious_conjugation(p: Planter) -> None:
    p.entry(
        "matmul", "transpose", 1, lambda before: lambda ct, ins, out: np.conj(before(ct, ins, out))
    )


@fault("complex-conj", "complex-conj_method")
def missing_conjugation(p: Planter) -> None:
    p.entry("conj", "transpose", 0, lambda before: lambda ct, ins, out: ct)


@fault("complex-absolute")
def missing_conjugation_in_a_jvp(p: Planter) -> None:
    def jvp(ts: Any, ins: Any, out: Any) -> Any:
        return np.real(ins[0] * ts[0]) / (out + (out == 0))

    p.record("abs_complex", jvp=jvp)


@fault("complex-real_then_complex", "complex-real_times_complex", "complex-real")
def real_part_of_the_cotangent_forgotten(p: Planter) -> None:
    p.entry("real", "transpose", 0, lambda before: lambda ct, ins, out: ct)
    p.patch(algebra, "cast_like", lambda g, dtype: g)


@fault("linalg-inv")
def sign_in_a_jvp(p: Planter) -> None:
    p.wrap(PRIMITIVES["inv"], "jvp", scaled(-1.0))


@fault("linalg-solve_vector", "linalg-solve_matrix")
def system_not_transposed(p: Planter) -> None:
    p.entry(
        "solve",
        "transpose",
        1,
        lambda before: lambda ct, ins, out, **k: apply(PRIMITIVES["solve"], (ins[0], ct), k),
    )


@fault("sorting-sort_axis0", "sorting-sort")
def tangents_not_permuted(p: Planter) -> None:
    p.record("sort", jvp=lambda ts, ins, out, axis: ts[0] * 1.0)


@fault("reductions-prod", "reductions-prod_axis")
def zero_tangent_of_a_jvp(p: Planter) -> None:
    p.record("prod", jvp=lambda ts, ins, out, **k: out * 0.0)


@fault(
    "reductions-prod_axis", "reductions-prod_axes", "linalg-norm_rows", "cumulative-cumprod_axis"
)
def transposed_jvp_cached_without_parameters(p: Planter) -> None:
    p.patch(transposition, "freeze", lambda value: None)


# ------------------------------------------------------------------ shape rules and evaluation


@fault("reductions-sum_keepdims")
def shape_rule_forgets_keepdims(p: Planter) -> None:
    before = PRIMITIVES["sum"].shape
    p.record("sum", shape=lambda x, axis, keepdims=False: before(x, axis))


@fault("pointwise-exp", "pointwise-add")
def shape_rule_gives_double_precision(p: Planter) -> None:
    before = PRIMITIVES["exp"].shape
    p.record("exp", shape=lambda *ins: (before(*ins)[0], np.dtype(float)))


@fault("core-write_through_views", "indexing-read_element")
def scalar_taken_for_an_array(p: Planter) -> None:
    p.record("getitem", array0d=True)


@fault("pointwise-arctan2")
def evaluation_writes_into_its_operand(p: Planter) -> None:
    def evaluate(x: Any, y: Any) -> Any:
        fits = isinstance(x, np.ndarray) and np.broadcast_shapes(x.shape, np.shape(y)) == x.shape
        out = x if fits and x.flags.writeable else None
        return np.arctan2(x, y, out=out)

    p.record("arctan2", evaluate=evaluate)


@fault("pointwise-logaddexp2")
def evaluation_is_not_numpys(p: Planter) -> None:
    p.record("logaddexp2", evaluate=lambda x, y: np.logaddexp(x, y))


@fault("shapes-broadcast_to", "reductions-sum")
def results_share_memory(p: Planter) -> None:
    from wengert.transforms import boundary, forward, gradient

    for module in (boundary, forward, gradient):
        p.patch(module, "release", lambda x, keep: getattr(x, "_a", x))


# ------------------------------------------------------------------ convolution and pooling


@fault("convolution-conv2d_padded")
def kernel_not_turned_in_the_transposed_convolution(p: Planter) -> None:
    p.record(
        "conv2d_input",
        evaluate=lambda ct, w, **params: convolution_evaluation.convolve_input(
            ct, w[::-1, ::-1], **params
        ),
    )


@fault("convolution-conv2d_groups")
def batched_kernels_mix_the_groups(p: Planter) -> None:
    p.patch(convolution, "_split_outputs", lambda x, b, groups: convolution._split_groups(x, b))


@fault("pooling-max_pool2d_ties")
def ties_in_a_window_are_not_shared(p: Planter) -> None:
    def winners(x: Any, y: Any, *geometry: Any) -> Any:
        found, count = before(x, y, *geometry)
        return found, np.ones_like(count)

    before = pooling._winners
    p.patch(pooling, "_winners", winners)


@fault("pooling-avg_pool2d_overlapping_all")
def window_moved_in_the_transposed_sum(p: Planter) -> None:
    def rule(ct: Any, ins: Any, out: Any, padding: Any, **params: Any) -> Any:
        return before(ct, ins, out, padding=(padding[0], (0, sum(padding[1]))), **params)

    before = PRIMITIVES["window_sum2d"].transpose[0]
    p.record("window_sum2d", transpose=(rule,))
