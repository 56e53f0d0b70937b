"""Faults in what derives from the records: fast paths, batching, sweeps, views, copies."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core import bind, forward, recorder, sweep, tape
from wengert.core.bind import bind as apply
from wengert.core.primitive import PRIMITIVES
from wengert.rules import batching, contractions, fast, fast_reductions, indexing, pointwise

from .planting import Planter, fault

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
    from wengert.core import settled_views, views

    for module in (bind, views, settled_views):
        p.patch(module, "refresh", lambda x: None)


@fault("core-write_after_use", "core-reused", "mutation-in_place_operators")
def writes_into_saved_arrays(p: Planter) -> None:
    from wengert.core import views

    p.patch(views, "owns_alone", lambda t: True)


@fault("pointwise-add", "core-reused")
def arguments_not_copied(p: Planter) -> None:
    from wengert.transforms import boundary

    p.patch(boundary, "snapshot", lambda a: a)
