"""Evaluation of a metric query: entries in, the values of its series at each step out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from collectors.logs.logql import ast, regex
from collectors.logs.logql.aggregation import aggregator
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.line import Entry
from collectors.logs.logql.operation import operator_of, with_scalar
from collectors.logs.logql.ranges import RangeSeries, Steps
from collectors.logs.logql.results import Result, Series, instant, matrix
from collectors.logs.logql.vector import MAX_SERIES, NONE, Labels, Vector, labels_of, too_many

MAX_STEPS = 11_000
HIDDEN = ("uid", "trace_id")
_SUMMED = frozenset(("count_over_time", "rate", "bytes_over_time", "bytes_rate", "sum_over_time"))
Evaluator: TypeAlias = Callable[[int], Vector]


class Options(NamedTuple):
    """`hidden` are metadata that tell no series apart unless a grouping names them; `max_series` is the most
    that a result may have."""

    hidden: Collection[str] = HIDDEN
    max_series: int = MAX_SERIES


DEFAULTS = Options()


def evaluate_instant(
    query: ast.Metric,
    entries: Iterable[Entry],
    time: int,
    options: Options = DEFAULTS,
) -> Result:
    """The values at one time, in ns: a scalar for a number, else a vector. Raises LogQLError."""
    if isinstance(query, ast.Scalar):
        return instant(query, {NONE: query.value}, time)
    evaluation = _Evaluation(query, Steps(time, 1, 1), options)
    (vector,) = evaluation.run(entries)
    if len(vector) > options.max_series:
        raise too_many(options.max_series)
    return instant(query, vector, time)


def evaluate_range(
    query: ast.Metric,
    entries: Iterable[Entry],
    start: int,
    end: int,
    step: int,
    options: Options = DEFAULTS,
) -> Result:
    """The values from `start` to `end`, `step` apart, in ns: a matrix. Raises LogQLError.

    Start and end are moved outwards to whole steps, as Loki's query frontend does: the entries needed are those
    of the plan's span from `steps_of(…).start` to `steps_of(…).end`.
    """
    steps = steps_of(start, end, step)
    series: Series = {}
    for index, vector in enumerate(_Evaluation(query, steps, options).run(entries)):
        for labels, value in vector.items():
            points = series.get(labels)
            if points is None:
                if len(series) >= options.max_series:
                    raise too_many(options.max_series)
                points = series[labels] = []
            points.append((steps.time(index), value))
    return matrix(series)


def steps_of(start: int, end: int, step: int) -> Steps:
    """The times of a range query; raises LogQLError for a range that makes no sense, or too many steps."""
    if step <= 0:
        raise LogQLError("zero or negative query resolution step is not accepted; a positive one is")
    if end < start:
        raise LogQLError("end timestamp must not be before start time")
    first, last = start - start % step, end + -end % step
    count = (last - first) // step + 1
    if count > MAX_STEPS:
        raise LogQLError(f"the range has {count} steps, at most {MAX_STEPS} are allowed; raise the step")
    return Steps(first, step, count)


def default_step(start: int, end: int) -> int:
    """The step that Loki takes when none is given, in ns: a 250th of the range, at least a second."""
    return max((end - start) // 250 // 1_000_000_000, 1) * 1_000_000_000


class _Evaluation:
    """The tree of a query as closures, over the range aggregations at its leaves."""

    def __init__(self, query: ast.Metric, steps: Steps, options: Options) -> None:
        self._steps, self._options = steps, options
        self._leaves: list[RangeSeries] = []
        self._vector = self._compiled(query)

    def run(self, entries: Iterable[Entry]) -> Iterator[Vector]:
        """The vector of each step, as soon as all leaves have it."""
        leaves, done = self._leaves, 0
        for entry in entries if leaves else ():
            completed = False
            for leaf in leaves:
                completed = leaf.add(entry) or completed
            while completed and all(leaf.ready for leaf in leaves):
                yield self._step(done)
                done += 1
            if done == self._steps.number:
                return
        for leaf in leaves:
            leaf.finish()
        for step in range(done, self._steps.number):
            yield self._step(step)

    def _step(self, step: int) -> Vector:
        vector = self._vector(step)
        for leaf in self._leaves:
            leaf.ready.popleft()
        return vector

    def _compiled(self, node: ast.Metric) -> Evaluator:
        match node:
            case ast.RangeAggregation():
                return self._leaf(node, node.grouping)
            case ast.VectorAggregation():
                return self._aggregation(node)
            case ast.LabelReplace():
                return self._replaced(node)
            case ast.Operation():
                return self._operation(node)
            case ast.Vector() | ast.Scalar():
                vector: Vector = {NONE: node.value}
                return lambda step: vector

    def _leaf(self, node: ast.RangeAggregation, grouping: ast.Grouping | None) -> Evaluator:
        leaf = RangeSeries(
            node, grouping, self._steps, hidden=self._options.hidden, max_series=self._options.max_series
        )
        self._leaves.append(leaf)
        return lambda step: leaf.ready[0]

    def _aggregation(self, node: ast.VectorAggregation) -> Evaluator:
        """A sum of sums is one sum: its grouping goes down to the samples, and single series never exist."""
        below = node.expr
        if node.op == "sum" and isinstance(below, ast.RangeAggregation) and below.op in _SUMMED:
            return self._leaf(below, node.grouping or ast.Grouping())
        vector, aggregate = self._compiled(below), aggregator(node)
        return lambda step: aggregate(vector(step))

    def _operation(self, node: ast.Operation) -> Evaluator:
        if isinstance(node.left, ast.Scalar):
            right, combine = self._compiled(node.right), with_scalar(node, node.left.value, scalar_left=True)
            return lambda step: combine(right(step))
        if isinstance(node.right, ast.Scalar):
            left, combine = self._compiled(node.left), with_scalar(node, node.right.value, scalar_left=False)
            return lambda step: combine(left(step))
        first, second, operate = self._compiled(node.left), self._compiled(node.right), operator_of(node)
        return lambda step: operate(first(step), second(step))

    def _replaced(self, node: ast.LabelReplace) -> Evaluator:
        vector = self._compiled(node.expr)
        replace = _label_replacer(node)

        def replaced(step: int) -> Vector:
            before = vector(step)
            after = {replace(labels): value for labels, value in before.items()}
            if len(after) < len(before):
                raise LogQLError("label_replace gives several series the same labels")
            return after

        return replaced


def _label_replacer(node: ast.LabelReplace) -> Callable[[Labels], Labels]:
    expression = regex.compiled(node.pattern, dot_is_all=True)
    fill = regex.expander(node.pattern, node.replacement)

    def replace(labels: Labels) -> Labels:
        values = dict(labels)
        found = expression.fullmatch(values.get(node.src, "").encode())
        if found is None:
            return labels
        values[node.dst] = fill(found).decode("utf-8", "replace")
        return labels_of(values)

    return replace
