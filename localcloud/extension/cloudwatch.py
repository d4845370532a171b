"""Alarms of MiniStack as the provider and boto3 expect them: evaluated by `alarms`, and described as they were put.

MiniStack keeps no ``Metrics`` (metric math) and no ``EvaluateLowSampleCountPercentile``, and tells Terraform's
protocol (form in, XML out) less than half of what an alarm is, so that every plan would change it again.
"""

import contextvars
import json
import logging
import re
import time
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from localcloud.extension import alarms
from localcloud.extension.emulator import replace

log = logging.getLogger("localcloud.cloudwatch")

NUMBERS = ("Period", "EvaluationPeriods", "DatapointsToAlarm")
KEPT = ("Metrics", "EvaluateLowSampleCountPercentile")
OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")
MOMENTS = ("StateUpdatedTimestamp", "AlarmConfigurationUpdatedTimestamp", "StateTransitionedTimestamp")


def install(cloudwatch: Any) -> None:
    """Replace how MiniStack's CLOUDWATCH module puts, describes and evaluates alarms."""
    put, describe = cloudwatch._put_metric_alarm, cloudwatch._describe_alarms

    def put_metric_alarm(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        form = not (is_cbor or is_json)
        asked = unflatten(params) if form else data
        answer = put(params, asked, is_cbor, is_json or form)
        if answer[0] >= 400:
            return put(params, data, is_cbor, is_json)
        _complete(cloudwatch, asked)
        return cloudwatch._xml(200, "PutMetricAlarmResponse", "") if form else answer

    def describe_alarms(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        if is_cbor or is_json:
            return describe(params, data, is_cbor, is_json)
        status, _, body = describe(params, unflatten(params), False, True)
        if status >= 400:
            return describe(params, data, is_cbor, is_json)
        inner = f"<DescribeAlarmsResult>{xml(json.loads(body))}</DescribeAlarmsResult>"
        return cloudwatch._xml(200, "DescribeAlarmsResponse", inner)

    replace(cloudwatch, "_put_metric_alarm", put_metric_alarm)
    replace(cloudwatch, "_describe_alarms", describe_alarms)
    replace(cloudwatch, "_evaluate_alarm", lambda alarm: evaluate(cloudwatch, alarm, time.time()))


def _complete(cloudwatch: Any, asked: Mapping[str, Any]) -> None:
    """Keep what MiniStack dropped; an alarm on metric math has no metric of its own."""
    alarm = cloudwatch._alarms.get(asked.get("AlarmName"))
    if alarm is None:
        return
    alarm.update({key: asked[key] for key in KEPT if asked.get(key)})
    for query in alarm.get("Metrics", ()):
        if "MetricStat" in query:
            query["MetricStat"]["Period"] = int(query["MetricStat"]["Period"])
        query["ReturnData"] = str(query.get("ReturnData", True)).lower() != "false"
    for key in OF_ONE_METRIC if alarm.get("Metrics") else ():
        alarm.pop(key, None)
    if alarm.get("ExtendedStatistic"):
        alarm.pop("Statistic", None)  # one or the other: with both, Terraform would change it for ever


def evaluate(cloudwatch: Any, alarm: dict[str, Any], now: float) -> None:
    """Move ALARM, of the account and region of this context, to the state that its points call for."""

    def find(metric: Mapping[str, Any]) -> list[Any]:
        dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
        return list(cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], dimensions)) or ())

    def statistic(points: list[Any], name: str) -> float | None:
        found: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(points), name, points)
        return found

    decided = alarms.verdict(alarm, find, statistic, now)
    if decided is None or decided[0] == alarm["StateValue"]:
        return
    before, (state, reason) = alarm["StateValue"], decided
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(now))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def evaluate_all(cloudwatch: Any, responses: Any) -> None:
    """Look at every alarm of every account and region, each in the context of its own."""
    for (account, region, name), alarm in list(cloudwatch._alarms._data.items()):
        context = contextvars.copy_context()
        context.run(responses.set_request_account_id, account)
        context.run(responses.set_request_region, region)
        try:
            context.run(evaluate, cloudwatch, alarm, time.time())
        except Exception:
            log.exception("the alarm %s could not be evaluated", name)


def unflatten(params: Mapping[str, Any]) -> dict[str, Any]:
    """The form's fields as what they stand for.

    >>> unflatten({"A.member.1.B": ["x"], "A.member.2.B": ["y"], "Period": ["60"]})
    {'A': [{'B': 'x'}, {'B': 'y'}], 'Period': 60}
    """
    tree: dict[str, Any] = {}
    for name, value in params.items():
        *path, last = name.split(".")
        here = tree
        for part in path:
            here = here.setdefault(part, {})
        here[last] = value[0] if isinstance(value, list) else value
    lists: dict[str, Any] = _lists(tree)
    for key in NUMBERS:
        if key in lists:
            lists[key] = int(lists[key])
    if "ActionsEnabled" in lists:
        lists["ActionsEnabled"] = lists["ActionsEnabled"] != "false"
    return lists


def _lists(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if set(tree) == {"member"}:
        members = tree["member"]
        return [_lists(members[key]) for key in sorted(members, key=int)]
    return {key: _lists(value) for key, value in tree.items()}


def xml(value: Any) -> str:
    """VALUE as the Query protocol prints it: lists as members, no element for what is not set.

    >>> xml({"A": [{"B": True}], "C": None})
    '<A><member><B>true</B></member></A>'
    """
    if isinstance(value, Mapping):
        given = {key: inner for key, inner in value.items() if inner is not None and inner != ""}
        return "".join(f"<{key}>{xml(_moment(key, inner))}</{key}>" for key, inner in given.items())
    if isinstance(value, list | tuple):
        return "".join(f"<member>{xml(inner)}</member>" for inner in value)
    return escape(str(value).lower() if isinstance(value, bool) else re.sub(r"\.0$", "", str(value)))


def _moment(key: str, value: Any) -> Any:
    if key in MOMENTS and isinstance(value, int | float):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value))
    return value
