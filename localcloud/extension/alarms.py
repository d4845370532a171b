"""CloudWatch alarms by AWS's rules: a pure function from an alarm and the stored points to the alarm's state.

MiniStack 1.5.33 takes the points of all dimensions together, looks at one period only, and knows neither missing data
nor metric math, so an alarm on one target group would fire for another's errors and never calm down.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html (missing data, M out of
N, percentiles of few samples) and .../using-metric-math.html (of which arithmetic, IF and FILL are here).

One liberty: periods end now and not at the full minute, so that an alarm is as fresh as what is published.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Alarm = Mapping[str, Any]
Point = Mapping[str, Any]
Number = float | None
Find = Callable[[Mapping[str, Any]], Sequence[Point]]
Statistic = Callable[[list[Point], str], Number]
Operation = Callable[[float, float], float]

COMPARISONS: dict[str, Operation] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
ARITHMETIC: dict[type, Operation] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


def verdict(alarm: Alarm, find: Find, statistic: Statistic, now: float) -> tuple[str, str] | None:
    """The state that ALARM should be in at NOW, and why; None when what is there does not decide, and it stays.

    FIND gives all points of a metric (Namespace, MetricName, Dimensions), STATISTIC one figure of some of them.
    """
    count = int(alarm.get("EvaluationPeriods", 1))
    period_s = _period_s(alarm)
    metrics = _metrics(alarm)
    points = {query["Id"]: find(query["MetricStat"]["Metric"]) for query in metrics if "MetricStat" in query}
    ignores_few = alarm.get("EvaluateLowSampleCountPercentile") == "ignore"
    values: list[Number] = []
    for index in range(count):
        start, end = now - (index + 1) * period_s, now - index * period_s
        inside = {name: [p for p in found if start <= p["Timestamp"] < end] for name, found in points.items()}
        if ignores_few and _few(metrics, inside):
            return None
        values.append(_value(metrics, inside, statistic))
    return _judge(alarm, values, count)


def _judge(alarm: Alarm, values: list[Number], count: int) -> tuple[str, str] | None:
    compare, threshold = COMPARISONS.get(str(alarm["ComparisonOperator"])), float(alarm.get("Threshold", 0))
    if compare is None:
        return None  # of anomaly detection, which is not here
    seen = [value for value in values if value is not None]
    missing = alarm.get("TreatMissingData", "missing")
    if not seen and missing == "ignore":
        return None
    if not seen and missing == "missing":
        return "INSUFFICIENT_DATA", f"no data in {count} periods"
    breaching = sum(compare(value, threshold) for value in seen)
    breaching += (len(values) - len(seen)) * (missing == "breaching")
    needed = int(alarm.get("DatapointsToAlarm") or count)
    told = ", ".join(f"{value:.4g}" for value in seen) or "no data"
    why = f"{told}: {breaching} of {count} periods, {needed} needed, {alarm['ComparisonOperator']} {threshold:g}"
    return ("ALARM" if breaching >= needed else "OK"), f"Threshold Crossed: {why}"


def _period_s(alarm: Alarm) -> int:
    periods = [query["MetricStat"]["Period"] for query in alarm.get("Metrics", ()) if "MetricStat" in query]
    return int(max(periods, default=alarm.get("Period") or 60))


def _metrics(alarm: Alarm) -> Sequence[Mapping[str, Any]]:
    """The alarm's queries; an alarm on one metric is a query of its own."""
    if queries := alarm.get("Metrics"):
        return list(queries)
    names = ("Namespace", "MetricName", "Dimensions")
    stat = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    return [{"Id": "metric", "MetricStat": {"Metric": {key: alarm.get(key) for key in names}, "Stat": stat}}]


def _few(metrics: Sequence[Mapping[str, Any]], inside: Mapping[str, list[Point]]) -> bool:
    """Whether a percentile would be of fewer than 10 / (1 - p) samples, where AWS calls it not significant."""
    for query in metrics:
        stat = str(query.get("MetricStat", {}).get("Stat", ""))
        if stat[:1] == "p" and stat[1:].replace(".", "", 1).isdigit():
            samples = sum(float(point.get("Count", 1)) for point in inside[query["Id"]])
            if 0 < samples * (1 - float(stat[1:]) / 100) < 10:
                return True
    return False


def _value(metrics: Sequence[Mapping[str, Any]], inside: Mapping[str, list[Point]], statistic: Statistic) -> Number:
    """What the alarm compares: the query that returns data."""
    known: dict[str, Number] = {}
    for query in metrics:
        if "MetricStat" in query:
            found = inside[query["Id"]]
            known[query["Id"]] = statistic(found, str(query["MetricStat"]["Stat"])) if found else None
    answers = [query for query in metrics if str(query.get("ReturnData", True)).lower() != "false"]
    if len(answers) != 1:
        raise ValueError(f"an alarm returns data of one query, not of {len(answers)}")
    if "MetricStat" in answers[0]:
        return known[answers[0]["Id"]]
    return _calculate(ast.parse(answers[0]["Expression"], mode="eval").body, known)


def _calculate(node: ast.expr, known: Mapping[str, Number]) -> Number:
    """Metric math on one period; what misses an operand is missing. Raises ValueError for what is not in AWS's math."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
            if type(op) in ARITHMETIC:
                return _both(ARITHMETIC[type(op)], _calculate(left, known), _calculate(right, known))
        case ast.Call(func=ast.Name(id="FILL"), args=[metric, filler]):
            found = _calculate(metric, known)
            return _calculate(filler, known) if found is None else found
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, other]):
            held = _calculate(condition, known)
            return None if held is None else _calculate(then if held else other, known)
    raise ValueError(f"metric math that is not known here: {ast.unparse(node)}")


def _both(operation: Operation, left: Number, right: Number) -> Number:
    if left is None or right is None:
        return None
    try:
        return float(operation(left, right))
    except ZeroDivisionError:
        return None
