"""The laws are tested, too: faults are planted in records and machinery, and each must be noticed.

A fault names cases of the tables; some law must fail for one of them. That the same cases pass
without the fault is what `test_laws` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wengert.core import algebra, bind, forward, recorder, sweep, tape, transposition
from wengert.core.abstract import Aval
from wengert.core.bind import bind as apply
from wengert.core.primitive import PRIMITIVES
from wengert.rules import (
    batching,
    contractions,
    convolution,
    convolution_evaluation,
    fast,
    fast_reductions,
    indexing,
    pointwise,
    pooling,
)

from .collect import case_named
from .laws import LAWS, applicable


class Planter:
    """Replaces pieces until the test ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patch = monkeypatch.setattr

    def record(self, name: str, **fields: Any) -> None:
        """Replace fields of a primitive's record."""
        for field, value in fields.items():
            self.patch(PRIMITIVES[name], field, value)

    def entry(self, name: str, field: str, position: int, change: Callable[[Any], Any]) -> None:
        """Replace one partial or transpose rule by what ``change`` makes of it."""
        rules = list(getattr(PRIMITIVES[name], field))
        rules[position] = change(rules[position])
        self.patch(PRIMITIVES[name], field, tuple(rules))

    def wrap(self, owner: Any, attribute: str, change: Callable[[Any], Any]) -> None:
        """Replace an attribute by what ``change`` makes of it."""
        self.patch(owner, attribute, change(getattr(owner, attribute)))


@dataclass(frozen=True)
class Fault:
    name: str
    plant: Callable[[Planter], None]
    cases: tuple[str, ...]
    generic: bool = False
    """Whether the fast paths are taken out, so that the generic rule is seen."""


FAULTS: list[Fault] = []


def fault(*cases: str, generic: bool = False) -> Callable[[Callable[[Planter], None]], Any]:
    def register(plant: Callable[[Planter], None]) -> Callable[[Planter], None]:
        FAULTS.append(Fault(plant.__name__, plant, cases, generic))
        return plant

    return register


def scaled(factor: float) -> Callable[[Any], Any]:
    """A rule whose result is multiplied by a number."""
    return lambda rule: lambda *a, **k: rule(*a, **k) * factor


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


# ------------------------------------------------------------------ fast paths


@fault("pointwise-cos")
def sign_in_a_raw_rule(p: Planter) -> None:
    def raw(node: Any, g: Any, cotangents: Any) -> None:
        tape.accumulate(cotangents, node[2], g * np.sin(node[5]))

    p.patch(fast.COS, "raw", raw)


@fault("pointwise-exp", "core-write_after_use")
def wrong_second_derivative_of_a_fast_rule(p: Planter) -> None:
    def graph(node: Any, g: Any, cotangents: Any, wrap: Any) -> None:
        tape.accumulate(cotangents, node[2], g * node[5])  # the output is not wrapped: a constant

    p.patch(fast.EXP, "graph", graph)


@fault("core-two_ranks")
def fast_rule_does_not_unbroadcast(p: Planter) -> None:
    p.patch(fast, "unbroadcast", lambda g, shape: g)


@fault("pointwise-div")
def fast_rule_of_a_quotient(p: Planter) -> None:
    def raw(node: Any, g: Any, cotangents: Any) -> None:
        y = node[6]
        if node[2] is not None:
            tape.accumulate(cotangents, node[2], g / y)
        if node[3] is not None:
            tape.accumulate(cotangents, node[3], -g * node[7] * y)

    p.patch(fast.DIV, "raw", raw)


@fault("core-reused")
def cotangents_overwrite_each_other(p: Planter) -> None:
    def raw(node: Any, g: Any, cotangents: Any) -> None:
        for parent, other in ((node[2], node[6]), (node[3], node[5])):
            if parent is not None:
                cotangents[parent[0]] = g * other  # no accumulation

    p.patch(fast.MUL, "raw", raw)


@fault("contractions-matmul_mm", "contractions-matmul_same")
def fast_matmul_without_transposition(p: Planter) -> None:
    def raw(node: Any, ct: Any, cotangents: Any) -> None:
        if node[2] is not None:
            tape.accumulate(cotangents, node[2], ct @ np.swapaxes(node[6], -1, -2))
        if node[3] is not None:
            tape.accumulate(cotangents, node[3], np.swapaxes(ct, -1, -2) @ node[5])

    p.patch(contractions.MATMUL, "raw", raw)


@fault("reductions-sum_axis", "reductions-sum")
def fast_sum_counts_twice(p: Planter) -> None:
    before = fast_reductions.SUM.raw

    def raw(node: Any, ct: Any, cotangents: Any) -> None:
        before(node, 2.0 * ct, cotangents)

    p.patch(fast_reductions.SUM, "raw", raw)


@fault("reductions-max_of_ties", "reductions-max_axis")
def fast_max_gives_all_to_every_tie(p: Planter) -> None:
    before = fast_reductions.MAX.raw

    def raw(node: Any, ct: Any, cotangents: Any) -> None:
        have = dict(cotangents)
        before(node, ct, cotangents)
        k = node[2][0]
        cotangents[k] = np.where(cotangents[k] != 0, np.max(ct), 0.0) + have.get(k, 0.0)

    p.patch(fast_reductions.MAX, "raw", raw)


@fault("pointwise-mul", "core-two_ranks", "core-plain_and_traced")
def plain_operand_saved_without_a_copy(p: Planter) -> None:
    p.patch(fast, "snapshot", lambda a: a)


@fault("pointwise-maximum", "core-plain_and_traced")
def generic_operand_saved_without_a_copy(p: Planter) -> None:
    p.patch(bind, "snapshot", lambda a: a)


@fault("pointwise-mul", "core-two_ranks", "core-plain_and_traced")
def linearization_reads_its_constants_again(p: Planter) -> None:
    p.patch(recorder, "snapshot", lambda a: a)


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
    from wengert.transforms import boundary, forward, reverse

    for module in (boundary, forward, reverse):
        p.patch(module, "release", lambda x, keep: getattr(x, "_a", x))


# ------------------------------------------------------------------ batching


@fault("core-two_ranks", "pointwise-mul_outer", "pointwise-mul")
def operands_not_aligned(p: Planter) -> None:
    p.patch(pointwise, "align", lambda x, batched, rank: x)


@fault("reductions-sum_axis", "reductions-sum")
def axis_not_shifted(p: Planter) -> None:
    p.record("sum", batch=lambda args, b, size, **params: apply(PRIMITIVES["sum"], args, params))


@fault("shapes-transpose_axes")
def batch_axis_permuted(p: Planter) -> None:
    def batch(args: Any, batched: Any, size: int, axes: Any) -> Any:
        return apply(PRIMITIVES["transpose"], args, {"axes": (*(i + 1 for i in axes), 0)})

    p.record("transpose", batch=batch)


@fault("core-batched_read_mixed", "core-batched_read")
def index_block_left_where_it_is(p: Planter) -> None:
    p.patch(indexing, "_batch_to_front", lambda y, at, template, ndim, rank: y)


@fault("core-batched_write", "core-batched_write_duplicates")
def values_not_moved_into_the_block(p: Planter) -> None:
    before = indexing._batch_into_block

    def reversed_batch(v: Any, *a: Any) -> Any:
        return before(v[::-1], *a)

    p.patch(indexing, "_batch_into_block", reversed_batch)


@fault("pointwise-arctan2", "pointwise-cbrt")
def a_loop_over_the_batch(p: Planter) -> None:
    def batch(args: Any, batched: Any, size: int) -> Any:
        rows = [
            apply(PRIMITIVES["cbrt"], tuple(x[k] if b else x for x, b in zip(args, batched)), {})
            for k in range(size)
        ]
        return np.stack(rows)

    p.record("cbrt", batch=batch)


@fault("contractions-matmul_mv", "contractions-matmul_mm")
def unbatched_operand_repeated_wrongly(p: Planter) -> None:
    def align(x: Any, batched: bool, rank: int) -> Any:
        x = batching.align(x, batched, rank)
        return x[::-1] if batched else x

    p.patch(contractions, "align", align)


# ------------------------------------------------------------------ the machinery


@fault("core-reused", "core-two_ranks")
def perturbations_confused(p: Planter) -> None:
    p.patch(forward, "below", lambda x, level: x)


@fault("core-two_ranks", "pointwise-arctan2")
def sweep_not_recorded(p: Planter) -> None:
    p.patch(sweep, "wrapper", lambda tracked, oldest=0: lambda value, parent: value)


@fault("reductions-prod", "pointwise-tan", "pointwise-cbrt")
def output_without_its_tangents(p: Planter) -> None:
    p.patch(
        tape,
        "restore_output",
        lambda primitive, node, operands, params, out, wrap: wrap(out, node),
    )


@fault("core-several_results")
def contributions_of_a_node_lost(p: Planter) -> None:
    def accumulate(cotangents: Any, parent: Any, ct: Any) -> None:
        cotangents[parent[0]] = ct

    p.patch(tape, "accumulate", accumulate)


@fault("core-write_through_views", "mutation-through_slice")
def views_not_derived_again(p: Planter) -> None:
    from wengert.core import views

    p.patch(bind, "refresh", lambda x: None)
    p.patch(views, "refresh", lambda x: None)


@fault("core-write_after_use", "core-reused", "mutation-in_place_operators")
def writes_into_saved_arrays(p: Planter) -> None:
    from wengert.core import views

    p.patch(views, "owns_alone", lambda t: True)


@fault("pointwise-add", "core-reused")
def arguments_not_copied(p: Planter) -> None:
    from wengert.transforms import boundary

    p.patch(boundary, "snapshot", lambda a: a)


# ------------------------------------------------------------------ the tests


NEVER_A_DETECTION = (NameError, AttributeError, KeyError, ImportError)


def law_that_notices(cases: tuple[str, ...]) -> str | None:
    """The first law that one of the cases breaks."""
    for identifier in cases:
        case = case_named(identifier)
        for dtype in (np.float64, np.float32, np.complex128):
            for name, law in LAWS.items():
                if not applicable(name, case, dtype):
                    continue
                try:
                    law(case, dtype)
                except NEVER_A_DETECTION:
                    raise  # the fault was planted wrongly
                except Exception:
                    return f"{name}, {identifier}, {np.dtype(dtype).name}"
    return None


@pytest.fixture
def planter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Planter]:
    transposition._cache.clear()
    yield Planter(monkeypatch)
    monkeypatch.undo()
    transposition._cache.clear()


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


def take_fast_paths_out(p: Planter) -> None:
    """Let every recorded operation be swept by its record."""
    kinds = [k for m in (fast, contractions, fast_reductions) for k in vars(m).values()]
    for kind in kinds:
        if isinstance(kind, tape.NodeKind) and kind.primitive is not None:
            p.patch(kind, "raw", lambda node, ct, cts: generic(node, ct, cts))
            p.patch(kind, "graph", lambda node, ct, cts, wrap: generic(node, ct, cts, wrap))


def generic(node: Any, ct: Any, cotangents: Any, wrap: Any = None) -> None:
    """What a fast kind must agree with: `contribute` on the decoded node."""
    primitive = node[1].primitive
    parents, operands, params, out, _ = node[1].decode(node)
    operands = tuple(Aval(ct.shape, ct.dtype) if x is None else x for x in operands)
    if wrap is not None:
        operands = tuple(wrap(x, m) for x, m in zip(operands, parents, strict=True))
        out = (
            None
            if out is None
            else tape.restore_output(primitive, node, operands, params, out, wrap)
        )
    tape.contribute(primitive, parents, operands, out, params, ct, cotangents, False)


@pytest.mark.parametrize("planted", [pytest.param(f, id=f.name) for f in FAULTS])
def test_the_laws_notice(planted: Fault, planter: Planter) -> None:
    if planted.generic:
        take_fast_paths_out(planter)
    planted.plant(planter)
    with np.errstate(all="ignore"):
        noticed = law_that_notices(planted.cases)
    assert noticed is not None, "no law noticed the fault"


def test_there_are_enough() -> None:
    assert len(FAULTS) >= 30
    assert len({f.name for f in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("case", sorted({c for f in FAULTS if f.generic for c in f.cases}))
def test_without_fast_paths_nothing_is_noticed(case: str, planter: Planter) -> None:
    take_fast_paths_out(planter)
    assert law_that_notices((case,)) is None
