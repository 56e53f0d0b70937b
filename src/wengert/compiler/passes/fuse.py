"""Fusion: which nodes are stored, and into which nests of loops the others go.

A node that is not stored is computed wherever it is read, in registers. Stored are results,
reductions, what calls and reshapes read, operands of products (every element is read often), and
elementwise values that would otherwise be computed more than once and are not cheap. A reduction
that one stored value alone is made of becomes an accumulator in the nest of that value: what
follows it is an epilogue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from ..indices import Linear, seen_through
from ..ir import Node, reachable
from ..lowering.table import Lowered
from ..plan import Buffer, Call, Nest, Plan, Routine, Store
from .costs import operation_cost
from .operands import factors, serves_often
from .places import box, domain_of, margins, place
from .products import as_product

__all__ = ["fuse"]

_RECOMPUTE = 6  # what may be computed twice instead of stored
_FREE = ("input", "const", "iota", "empty", "reshape", "opaque", "routine", "own", "data")
_STORED = ("reduce", "update", "scan", "item", "pair", "recur", "result")
_LARGEST = 250  # operations in one expression, so that functions stay of a size LLVM likes


def fuse(lowered: Lowered) -> Plan:
    """The steps of a lowered Program, in order."""
    return _Fusion(lowered).plan()


class _Fusion:
    def __init__(self, lowered: Lowered) -> None:
        self.lowered = lowered
        self.roots = [y for y in lowered.outputs if isinstance(y, Node)]
        self.roots += [check for check, _ in lowered.checks]
        self.nodes = reachable(self.roots)
        self.users: dict[Node, list[Node]] = {n: [] for n in self.nodes}
        for n in self.nodes:
            for x in dict.fromkeys(n.args):
                self.users[x].append(n)
        self.forced = self._forced()
        self.recurrent = self._recurrent()
        self.ends = self._ends()
        self.cost: dict[Node, int] = {}
        self.stored: set[Node] = set()
        self._choose()
        self.inner: dict[Node, dict[Node, tuple[int, ...]]] = {}
        self._choose_epilogues()
        self.buffers: dict[Node, Buffer] = {}

    # -------------------------------------------------------------- what is stored

    def _recurrent(self) -> set[Node]:
        """What is made of the elements before it, and is never stored by itself."""
        found: set[Node] = set()
        for n in self.nodes:
            made = n.op in ("map", "view", "reduce") and any(x in found for x in n.args)
            if n.op == "own" or made:
                found.add(n)
        return found

    def _ends(self) -> dict[Node, Node]:
        """The pair that all uses of a value end in, where there is one: its nest computes both."""
        ends: dict[Node, Node] = {}
        for n in reversed(self.nodes):
            if n.op not in ("map", "view", "reduce") or n in self.forced:
                continue
            users = self.users[n]
            found = {u if u.op == "pair" else ends.get(u) for u in users}
            if len(found) == 1 and (end := found.pop()) is not None:
                if all(u.op != "view" for u in users):
                    ends[n] = end
        return ends

    def _forced(self) -> set[Node]:
        """What has to be in memory, whatever it costs."""
        forced = set(self.roots)
        for n in self.nodes:
            if n.op in ("reshape", "opaque", "routine"):
                forced.update(n.args)
            elif n.op == "gather":
                forced.add(n.args[0].args[0] if n.args[0].op == "view" else n.args[0])
            elif n.op == "update" and not _is_fill(n.args[0]):
                forced.add(n.args[0])
            elif n.op == "reduce" and n.attrs[0] == "sum":
                forced.update(factors(n.args[0]))
        return forced

    def consumers(self, node: Node) -> set[Node]:
        """The users, seen through views."""
        found: set[Node] = set()
        for user in self.users[node]:
            found |= self.consumers(user) if user.op == "view" else {user}
        return found

    def _choose(self) -> None:
        for n in self.nodes:
            if n.op in _FREE:
                self.cost[n] = 0
                continue
            cost = operation_cost(n) + sum(self.cost[x] for x in n.args)
            if self._is_stored(n, cost):
                self.stored.add(n)
                cost = 0
            self.cost[n] = cost

    def _is_stored(self, n: Node, cost: int) -> bool:
        if n in self.recurrent:
            return False
        if n in self.forced or n.op in _STORED:
            return True
        if n.op == "view" or (n.op == "map" and not n.args) or n in self.ends:
            return False
        if cost > _LARGEST:
            return True
        extra = len(self.consumers(n)) - 1
        if extra and cost * extra > _RECOMPUTE:
            return True
        repeated = any(u.op == "view" and u.size > n.size for u in self.users[n])
        return repeated and cost >= 4

    # -------------------------------------------------------------- epilogues

    def _choose_epilogues(self) -> None:
        for r in self.nodes:
            if (
                r.op != "reduce"
                or r in self.forced
                or r in self.recurrent
                or as_product(r, self._is_memory)
            ):
                continue
            root = self._only_root(r)
            if root is not None and root.op == "update":
                root = self._written(root, r)
            if root is None or (root.op not in ("map", "view", "pair") and root is not r):
                continue
            if root.op == "pair" and (serves_often(r) or self.stored.intersection(root.args) - {r}):
                continue
            inner = self.inner.get(root, {})
            if any(_reduced(r) != _reduced(other) for other in inner):
                continue
            found = self._accumulated(root, r)
            if found is not None:
                self.inner.setdefault(root, {})[r] = found
                self.stored.remove(r)

    def _written(self, update: Node, r: Node) -> Node | None:
        """What an update alone writes, if r is read by that and by nothing else of the update."""
        _, value, *arrays = update.args
        if value in self.stored and value is not r:
            return None
        if self.users[value] != [update] or update.args.count(value) > 1:
            return None
        return None if arrays else value

    def _is_memory(self, node: Node) -> bool:
        return node in self.stored or node.op in ("input", "reshape")

    def _only_root(self, r: Node) -> Node | None:
        """The stored node that alone reads r, if there is only one."""
        roots: set[Node] = set()
        seen: set[Node] = set()
        stack = list(self.users[r])
        while stack:
            n = stack.pop()
            if n in seen:
                continue
            seen.add(n)
            if n in self.stored or n.op in ("reshape", "opaque", "routine"):
                roots.add(n)
                # A second reduction over the values of the first is a nest of its own.
            else:
                stack.extend(self.users[n])
        return roots.pop() if len(roots) == 1 else None

    def _accumulated(self, root: Node, r: Node) -> tuple[int, ...] | None:
        """Where r's kept axes are among those of the root, if each of its elements is read once."""
        places: set[tuple[int, ...]] = set()
        for index in self._reads(root, r):
            found: list[Any] = []
            for n, i in zip(r.shape, index, strict=True):
                if n == 1:
                    found.append(-1)
                elif i.offset == 0 and len(i.terms) == 1 and i.terms[0][1] == 1:
                    found.append(i.terms[0][0])
                else:
                    return None
            places.add(tuple(found))
        if len(places) != 1:
            return None
        (place,) = places
        used = [d for d in place if d >= 0]
        shape = domain_of(root)
        if len(set(used)) != len(used) or prod(shape) != r.size:
            return None
        return self._domain_axes(r, place, len(shape))

    def _domain_axes(self, r: Node, place: Sequence[int], rank: int) -> tuple[int, ...]:
        """For each axis of the reduction's operand its position in ``kept + reduced``."""
        kept = iter(place)
        reduced = iter(range(rank, rank + len(r.attrs[1])))
        axes = r.attrs[1]
        return tuple(
            [next(reduced) if d in axes else next(kept) for d in range(len(r.args[0].shape))]
        )

    def _reads(self, root: Node, target: Node) -> Iterator[list[Linear]]:
        """The indices with which the expression of ``root`` reads ``target``."""
        whole = [Linear.variable(d) for d in range(len(domain_of(root)))]
        stack = [(x, whole) for x in (root.args if root.op == "pair" else (root,))]
        seen = set()
        while stack:
            node, index = stack.pop()
            key = (node, tuple(index))
            if key in seen:
                continue
            seen.add(key)
            if node is target:
                yield index
            elif node is not root and (node in self.stored or node.op == "reduce"):
                continue
            elif node.op == "view":
                stack.append((node.args[0], seen_through(node.attrs, index)))
            elif node.op == "gather":
                stack.extend((x, index) for x in node.args[1:])
            else:
                stack.extend((x, index) for x in node.args if x.shape == node.shape)

    # -------------------------------------------------------------- buffers and steps

    def _buffer(self, node: Node) -> Buffer:
        """The memory of a node that is stored."""
        if node not in self.buffers:
            if node.op == "reshape":
                base = self._buffer(node.args[0])
                made = Buffer(node.shape, node.dtype, base.kind, base=base)
            else:
                made = Buffer(node.shape, node.dtype, "temporary")
            made.is_complex = node in self.lowered.graph.complex
            self.buffers[node] = made
        return self.buffers[node]

    def plan(self) -> Plan:
        inputs = []
        for k, x in enumerate(self.lowered.inputs):
            is_complex = x in self.lowered.graph.complex
            inputs.append(Buffer(x.shape, x.dtype, "input", k, is_complex=is_complex))
            self.buffers[x] = inputs[-1]
        outputs = self._output_buffers()
        self._share_updates()
        for n in self.nodes:
            if n.op == "data":
                self.buffers[n] = Buffer(n.shape, n.dtype, "constant", content=n.attrs)
            if n.op == "recur":
                self.buffers[n.args[0]] = self._buffer(n)
            if n in self.stored or n.op == "reshape":
                self._buffer(n)
        steps: list[Any] = []
        placed: set[Node] = set()
        for n in self.nodes:
            self._place_steps(n, steps, placed)
        foreign = sum(len(s.results) for s in steps if isinstance(s, Call))
        checks = [(self._buffer(node), why) for node, why in self.lowered.checks]
        steps = [s for s in steps if not (isinstance(s, Nest) and 0 in s.kept)]
        return Plan(steps, self.buffers, inputs, outputs, checks, foreign)

    def _place_steps(self, n: Node, steps: list[Any], placed: set[Node]) -> None:
        """The steps that store a node, behind those of all that they read."""
        if n in placed:
            return
        placed.add(n)
        own: list[Any] = []
        if n.op == "opaque":
            self._call(n, own, sum(len(s.results) for s in steps if isinstance(s, Call)))
        elif n.op == "routine":
            own.append(self._routine(n))
        elif n.op == "update":
            self._update(n, own)
        elif n.op == "scan":
            self._scan(n, own)
        elif n.op == "recur":
            self._recur(n, own)
        elif n.op == "pair":
            own.append(self._pair(n))
        elif n in self.stored and n.op not in ("item", "result"):
            own.append(self._nest(n))
        elif n in self.forced and n.op in ("const", "iota"):
            own.append(self._nest(n))
        # Margins and the parts of scans are nodes made here. The Program may have the very same
        # ones, as results that it computes later.
        for store in [s for step in own if isinstance(step, Nest) for s in step.stores]:
            stack = [store.node]
            while stack:
                x = stack.pop()
                if x is not n and x.id > n.id and (x in self.stored or x in self.forced):
                    self._place_steps(x, steps, placed)
                elif x.id > n.id:
                    stack.extend(x.args)
        steps += own

    def _output_buffers(self) -> list[Any]:
        """A place for each result; one that is there twice, or is an argument, is copied later."""
        outputs: list[Any] = []
        slots = 0
        for y in self.lowered.outputs:
            if not isinstance(y, Node):
                outputs.append(y)
                continue
            buffer = self._buffer(y)
            owner = y
            while owner.op == "reshape":
                owner = owner.args[0]
            memory = buffer.memory
            if memory.kind == "temporary" and owner.op != "item":
                memory.kind, memory.slot = "output", slots
                slots += 1
            outputs.append(buffer)
        return outputs

    def _share_updates(self) -> None:
        """An update works on its operand's memory where nobody else reads that, as LAPACK does."""
        for n in reversed(self.nodes):
            if n.op != "update" and not (n.op == "result" and n.attrs == 0):
                continue
            by = n if n.op == "update" else n.args[0]
            if by.op == "routine" and not by.attrs[-1]:
                continue
            base = by.args[0]
            mine = (base in self.stored and base.op != "item") or base.op == "empty"
            if (
                mine
                and self.users[base] == [by]
                and base not in self.roots
                and base not in by.args[1:]
            ):
                self.buffers[base] = self._buffer(n)

    def _call(self, node: Node, steps: list[Any], foreign: int) -> None:
        e = self.lowered.opaque[node.attrs]
        items = {u.attrs: u for u in self.users[node]}
        results = []
        for k, v in enumerate(e.outputs):
            buffer = self._buffer(items[k]) if k in items else Buffer(v.shape, v.dtype, "foreign")
            buffer.kind, buffer.slot = "foreign", foreign
            foreign += 1
            results.append(buffer)
        steps.append(Call(e, [self._buffer(x) for x in node.args], results))

    def _routine(self, node: Node) -> Routine:
        found = {u.attrs: self._buffer(u) for u in self.users[node]}
        name, options, n, k, stack, results, in_place = node.attrs
        made = []
        for number, (shape, dtype) in enumerate(results):
            spare = Buffer(shape, np.dtype(dtype), "temporary")
            made.append(found.get(number, spare))
        made[0].is_complex = self._buffer(node.args[0]).is_complex
        operands = [self._buffer(x) for x in node.args]
        return Routine(name, options, n, k, stack, operands, made, in_place)

    def _nest(self, n: Node) -> Any:
        target = tuple([(d, 0, 1) for d in range(len(n.shape))])
        if n.op == "reduce":
            inner = {n: self._domain_axes(n, range(len(n.shape)), len(n.shape))}
        else:
            inner = self.inner.get(n, {})
        reduced = _reduced(next(iter(inner))) if inner else ()
        nest = Nest(n.shape, reduced, [Store(self._buffer(n), n, "set", target)], inner)
        product = as_product(n, self._is_memory) if n.op == "reduce" else None
        return nest if product is None else product.placed(self._buffer, nest)

    def _update(self, n: Node, steps: list[Any]) -> None:
        base, value, *arrays = n.args
        buffer = self._buffer(n)
        if base.op != "empty" and self.buffers.get(base) is not buffer:
            steps += self._base(n, buffer)
        kind, entries = n.attrs
        store = Store(buffer, value, kind, entries, tuple(arrays), False)
        # What is stored already is only copied, however it was computed.
        inner = {} if self._is_memory(value) else self.inner.get(value, {})
        reduced = _reduced(next(iter(inner))) if inner else ()
        steps.append(Nest(value.shape, reduced, [store], inner))

    def _base(self, n: Node, buffer: Buffer) -> Iterator[Nest]:
        """What an update leaves as it was; of a filled array only the margins are written."""
        base, shape = n.args[0], n.shape
        within = box(n) if _is_fill(base) else None
        if within is None:
            target = tuple([(d, 0, 1) for d in range(len(shape))])
            yield Nest(shape, (), [Store(buffer, base, "set", target, (), False)])
            return
        g = self.lowered.graph
        for d, (start, stop) in enumerate(within):
            # Of the axes before this one only what is inside; those after it are whole.
            inside = [(a, b - a) for a, b in within[:d]]
            whole = [(0, m) for m in shape[d + 1 :]]
            for places in margins(start, stop, shape[d]):
                lengths = [m for _, m in inside] + [m for m, _ in places[1]]
                offset = [(k, a, 1) for k, (a, _) in enumerate(inside)]
                terms = [x for k, (_, step) in enumerate(places[1]) for x in (d + k, step)]
                at = (terms[0], places[0], *terms[1:])
                rest = [(len(lengths) + k, 0, 1) for k in range(len(whole))]
                lengths += [m for _, m in whole]
                fill = g.broadcast(base.args[0], tuple(lengths))
                store = Store(buffer, fill, "set", (*offset, at, *rest), (), False)
                yield Nest(tuple(lengths), (), [store])

    def _pair(self, n: Node) -> Nest:
        """One nest that stores both, or all four."""
        inner = self.inner.get(n, {})
        reduced = _reduced(next(iter(inner))) if inner else ()
        stores = [
            Store(self._buffer(n), x, "set", place(n.attrs, k, len(x.shape)), (), False)
            for k, x in enumerate(n.args)
        ]
        return Nest(n.args[0].shape, reduced, stores, inner)

    def _recur(self, n: Node, steps: list[Any]) -> None:
        """The first elements along an axis, then the others, in order."""
        axis, reverse = n.attrs
        values = n.args[1:]
        half = len(values) // 2
        length = n.shape[axis]
        for group, start in ((values[:half], 0), (values[half:], values[0].shape[axis])):
            at = (length - 1 - start, -1) if reverse else (start, 1)
            shape = group[0].shape
            stores = []
            for k, x in enumerate(group):
                target = [(d, *at) if d == axis else (d, 0, 1) for d in range(len(shape))]
                if half == 2:
                    target.append((-1, k, 0))
                stores.append(Store(self._buffer(n), x, "set", tuple(target), (), False))
            inner = {
                r: self._domain_axes(r, range(len(shape)), len(shape)) for r in self._sums(group)
            }
            reduced = _reduced(next(iter(inner))) if inner else ()
            steps.append(Nest(shape, reduced, stores, inner, ordered=axis if start else None))

    def _sums(self, values: Sequence[Node]) -> list[Node]:
        """The reductions over elements before, of which values are made."""
        found, stack = [], [x for x in values if x in self.recurrent]
        while stack:
            n = stack.pop()
            if n.op == "reduce" and n not in found:
                found.append(n)
            elif n.op != "reduce":
                stack.extend(x for x in n.args if x in self.recurrent)
        return found

    def _scan(self, n: Node, steps: list[Any]) -> None:
        """The first elements along an axis, then each from the one before it, in order."""
        g, buffer, (x,) = self.lowered.graph, self._buffer(n), n.args
        combine, axis, reverse = n.attrs
        length, sign = n.shape[axis], -1 if reverse else 1

        def along(start: int, fixed: bool) -> tuple[tuple[int, ...], ...]:
            kept = iter(range(len(n.shape)))
            return tuple(
                [
                    (-1, start, 0) if fixed and d == axis
                    else (next(kept), start if d == axis else 0, sign if d == axis else 1)
                    for d in range(len(n.shape))
                ]
            )  # fmt: skip

        first, second = (length - 1, length - 2) if reverse else (0, 1)
        shape = n.shape[:axis] + n.shape[axis + 1 :]
        value = g.view(x, along(first, True), shape)
        steps.append(Nest(shape, (), [Store(buffer, value, "set", along(first, True), (), False)]))
        own = g.make("own", (), n.shape, n.dtype, n.id)
        self.buffers[own] = buffer
        shape = (*n.shape[:axis], length - 1, *n.shape[axis + 1 :])
        before = g.view(own, along(first, False), shape)
        value = g.map(combine, before, g.view(x, along(second, False), shape))
        store = Store(buffer, value, "set", along(second, False), (), False)
        steps.append(Nest(shape, (), [store], ordered=axis))


def _is_fill(node: Node) -> bool:
    return node.op in ("empty", "const") or (node.op == "view" and node.args[0].op == "const")


def _reduced(r: Node) -> tuple[int, ...]:
    return tuple([r.args[0].shape[d] for d in r.attrs[1]])
