"""Render the ELBv2 state as an HAProxy configuration: a pure function from values to text.

One frontend a port, one backend a target group. Every rule of every listener is tried in order and leaves an action
in ``txn.action``; a forward then draws a number below ``SCALE`` and takes the first target group whose cumulative
weight, looked up in a map file, lies above it. All ``http-request`` lines run before any ``use_backend``, hence the
variables. Weights are in the map and addresses in numbered server slots, because both change through HAProxy's
runtime API without a reload; only what is in this text needs one.

Several load balancers on one port are told apart by ``Host: <name>.alb.localhost`` (with or without a port). With one
load balancer on a port any Host reaches it, so ``http://localhost:8080`` works as long as nobody shares it.
Unlike AWS, a target group with no healthy target answers 503 (AWS would send to the unhealthy ones), the Host header
reaches the target unchanged, and stickiness is ignored.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from localcloud.extension import access_log
from localcloud.extension.elb import Action, Listener, Rule, State, Target

SCALE = 1_000_000
MOST_GROUPS = 5  # AWS's limit of target groups in one action
FEWEST_SLOTS = 8
TRACE_ID = "Root=1-%[var(txn.id),bytes(0,8)]-%[var(txn.id),bytes(8,24)]"
NOWHERE = "127.0.0.1:9"  # address of a slot without a target; such a slot is always disabled


@dataclass(frozen=True, slots=True)
class Slot:
    """What one server line of a backend stands for: TARGET in MODE (``ready``, ``drain`` or ``maint``)."""

    target: Target
    mode: str


Slots = Mapping[str, Mapping[int, Slot]]  # target group ARN -> slot number -> slot


def short(arn: str) -> str:
    """A name for ARN that HAProxy accepts, the same for the same ARN."""
    return hashlib.sha256(arn.encode()).hexdigest()[:12]


def backend(group: str) -> str:
    """The backend of the target group of that ARN."""
    return f"tg_{short(group)}"


def weights(state: State) -> dict[str, str]:
    """The map's lines: for each forward, the cumulative shares of SCALE of its target groups, ``200000:1000000``."""
    lines = {}
    for listener in state.listeners:
        for rule in listener.rules:
            parts = [weight for _, weight in _groups(rule)]
            if total := sum(parts):
                lines[_name(rule)] = ":".join(str(round(SCALE * part / total)) for part in accumulate(parts))
            elif parts:
                lines[_name(rule)] = ":".join("0" for _ in parts)
    return lines


def bodies(state: State) -> dict[str, str]:
    """File name -> body of each fixed response."""
    rules = [rule for listener in state.listeners for rule in listener.rules]
    return {
        f"{_name(rule)}.body": dict(rule.action.settings).get("MessageBody", "")
        for rule in rules
        if rule.action.kind == "fixed-response"
    }


def slot_count(needed: int) -> int:
    """How many server slots a backend gets when NEEDED are taken: room for a rolling update, doubled when it fills."""
    count = FEWEST_SLOTS
    while count < needed:
        count *= 2
    return count


def render(state: State, slots: Slots, folder: str, sizes: Mapping[str, int]) -> str:
    """The whole configuration; FOLDER holds the map and the bodies, SIZES the slots of each target group."""
    ports: dict[int, list[Listener]] = {}
    for listener in state.listeners:
        ports.setdefault(listener.port, []).append(listener)
    parts = [_head(folder), f"frontend idle\n    bind unix@{folder}/idle.sock\n    default_backend nothing"]
    parts += [_frontend(port, listeners, folder) for port, listeners in sorted(ports.items())]
    for group in state.groups:
        parts.append(_backend(group.arn, slots.get(group.arn, {}), sizes[group.arn], _idle_s(state, group.arn)))
    return "\n".join(parts) + "\n"


def _head(folder: str) -> str:
    return f"""global
    maxconn 8192
    nbthread 2
    hard-stop-after 120s
defaults
    mode http
    option redispatch
    option idle-close-on-response
    retries 3
    retry-on conn-failure
    timeout connect 3s
    timeout queue 1s
    timeout http-request 60s
    timeout client 60s
    timeout server 60s
{access_log.config(folder)}backend nothing
    http-request deny deny_status 503
"""


def _frontend(port: int, listeners: list[Listener], folder: str) -> str:
    idle_s = max(listener.idle_timeout_s for listener in listeners)
    lines = [
        f"frontend port_{port}",
        f"bind :{port}",
        f"timeout client {idle_s}s",
        f"timeout http-keep-alive {idle_s}s",
        "http-request set-var(txn.host) req.hdr(host),field(1,:),lower",
        "acl forwarded req.hdr(x-forwarded-for) -m found",
        "http-request set-header X-Forwarded-For '%[req.hdr(x-forwarded-for)], %[src]' if forwarded",
        "http-request set-header X-Forwarded-For %[src] if !forwarded",
        "http-request set-header X-Forwarded-Proto http",
        f"http-request set-header X-Forwarded-Port {port}",
        "http-request set-var(txn.id) uuid(),regsub(-,,g)",
        "acl traced req.hdr(x-amzn-trace-id) -m found",
        f"http-request set-header X-Amzn-Trace-Id '{TRACE_ID}' if !traced",
        f"http-request set-var(txn.draw) rand({SCALE})",
        *_choose_listener(listeners),
    ]
    rules = [(listener, rule) for listener in listeners for rule in listener.rules]
    lines += [line for listener, rule in rules for line in _match(listener, rule)]
    lines += [line for _, rule in rules for line in _act(rule, folder)]
    lines += ["use_backend %[var(txn.backend)] if { var(txn.backend) -m found }", "default_backend nothing"]
    return "\n    ".join(lines)


def _choose_listener(listeners: list[Listener]) -> list[str]:
    if len(listeners) == 1:
        return [f"http-request set-var(txn.listener) str({short(listeners[0].arn)})"]
    choose = "http-request set-var(txn.listener)"
    chosen = [f"{choose} str({short(one.arn)}) if {_is('host', one.host)}" for one in listeners]
    unknown = "unless { var(txn.listener) -m found }"
    names = " ".join(listener.host for listener in listeners)
    answer = _quoted(f"Several load balancers share this port. Ask one by its name: {names}")
    return [*chosen, f"http-request return status 404 content-type text/plain string {answer} {unknown}"]


def _match(listener: Listener, rule: Rule) -> list[str]:
    """Lines that leave the rule's name in ``txn.action`` if no earlier rule did and its conditions hold."""
    conditions = [
        _is("listener", short(listener.arn)),
        "!{ var(txn.action) -m found }",
        *(_condition(field, values) for field, values in rule.conditions),
    ]
    return [f"http-request set-var(txn.action) str({_name(rule)}) if {' '.join(conditions)}"]


def _condition(field: str, values: tuple[str, ...]) -> str:
    patterns = " ".join(_quoted(_regex(value)) for value in values)
    if not values:
        return "{ always_false }"
    match field:
        case "path-pattern":
            return f"{{ path -m reg -- {patterns} }}"
        case "host-header":
            return f"{{ var(txn.host) -m reg -i -- {patterns} }}"
        case "http-request-method":
            return f"{{ method -m str -- {' '.join(map(_quoted, values))} }}"
        case "source-ip":
            return f"{{ src -m ip -- {' '.join(map(_quoted, values))} }}"
    return "{ always_false }"  # a condition we cannot judge must not send anybody anywhere


def _act(rule: Rule, folder: str) -> list[str]:
    when = _is("action", _name(rule))
    settings = dict(rule.action.settings)
    match rule.action.kind:
        case "forward":
            return _forward(rule, when, folder)
        case "fixed-response":
            kind, file = _quoted(settings.get("ContentType", "text/plain")), f"{folder}/{_name(rule)}.body"
            status = settings.get("StatusCode", "200")
            return [f"http-request return status {status} content-type {kind} file {file} if {when}"]
        case "redirect":
            code = settings["StatusCode"][-3:]
            return [f"http-request redirect code {code} location {_location(rule.action)} if {when}"]
        case _:
            return []


def _forward(rule: Rule, when: str, folder: str) -> list[str]:
    lines = [f"http-request set-var(txn.shares) str({_name(rule)}),map({folder}/weights.map) if {when}"]
    for index, (arn, _) in enumerate(_groups(rule), 1):
        drawn = f"!{{ var(txn.backend) -m found }} {{ var(txn.draw),sub(txn.share{index}) lt 0 }}"
        lines += [
            f"http-request set-var(txn.share{index}) var(txn.shares),field({index},:),add(0) if {when}",
            f"http-request set-var(txn.backend) str({backend(arn)}) if {when} {drawn}",
        ]
    return lines


def _groups(rule: Rule) -> list[tuple[str, int]]:
    """Target groups and weights in an order of our own: the one they are sent in means nothing, and is no reload."""
    return sorted(rule.action.weights)[:MOST_GROUPS]


def _location(action: Action) -> str:
    """The redirect's URL as an HAProxy format; AWS's placeholders: #{protocol} #{host} #{port} #{path} #{query}."""
    parts = {"Protocol": "#{protocol}", "Host": "#{host}", "Port": "#{port}", "Path": "/#{path}", "Query": "#{query}"}
    parts |= dict(action.settings)
    query = f"?{parts['Query']}" if parts["Query"] else ""
    url = f"{parts['Protocol'].lower()}://{parts['Host']}:{parts['Port']}{parts['Path']}{query}".replace("%", "%%")
    url = url.replace("/#{path}", "%[path]").replace("#{path}", "%[path,regsub(^/,)]")
    url = url.replace(":#{port}", "%[req.hdr(host),regsub('^[^:]*','')]").replace("#{port}", "%[dst_port]")
    url = url.replace("#{protocol}", "http").replace("#{host}", "%[var(txn.host)]").replace("#{query}", "%[query]")
    return '"' + url.replace('"', "%22") + '"'


def _idle_s(state: State, arn: str) -> int:
    """The longest idle timeout of the load balancers that forward to the group; AWS's default when none does."""
    users = [one for one in state.listeners if any(arn in dict(rule.action.weights) for rule in one.rules)]
    return max((listener.idle_timeout_s for listener in users), default=60)


def _backend(arn: str, slots: Mapping[int, Slot], size: int, idle_s: int) -> str:
    lines = [f"backend {backend(arn)}", "balance roundrobin", f"timeout server {idle_s}s"]
    for index in range(size):
        slot = slots.get(index)
        state = "" if slot and slot.mode == "ready" else " disabled"
        address = f"{slot.target.host}:{slot.target.port}" if slot else NOWHERE
        lines.append(f"server s{index} {address}{state}")
    return "\n    ".join(lines)


def _name(rule: Rule) -> str:
    return f"rule_{short(rule.arn)}"


def _is(variable: str, value: str) -> str:
    return f"{{ var(txn.{variable}) -m str {value} }}"


def _regex(pattern: str) -> str:
    """AWS's wildcards as a regular expression: ``*`` any run of characters, ``?`` exactly one."""
    return "^" + re.escape("".join(filter(str.isprintable, pattern))).replace(r"\*", ".*").replace(r"\?", ".") + "$"


def _quoted(text: str) -> str:
    """TEXT as one word of the configuration; what cannot be in one, such as a line's end, is left out."""
    return "'" + "".join(filter(str.isprintable, text)).replace("'", r"'\''") + "'"
