"""What the commands answer: the JSON objects that scripts depend on, and the same facts for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from deployer.model import Color, Drift, Holder, Plan, Record, Revision, Scaling, StageResult, Verdict
from deployer.pipeline import Report


def stages(results: Sequence[StageResult]) -> tuple[Mapping[str, object], ...]:
    """The `stages` list of `deploy --json` and of the ledger."""
    return tuple({"name": r.name, "status": str(r.status), "duration_s": r.duration_s} for r in results)


def live(report: Report) -> str:
    """The release that serves at the end of a good run: the new one, or the one found to be all of it already."""
    return (report.verdict is Verdict.GOOD and report.release.already) or report.release.id


def release(
    report: Report, critical_path: Sequence[str], critical_path_s: float, aws_calls: Mapping[str, int]
) -> dict[str, object]:
    """The object that `deploy --json` and `rollback --json` end with.

    `aws_calls` are the requests that this process sent, by `service.Operation`; Terraform's own are not among them.
    """
    return {
        "release": live(report),
        "outcome": str(report.verdict),
        "duration_s": report.duration_s,
        "stages": list(stages(report.results)),
        "reason": report.reason,
        "critical_path": list(critical_path),
        "critical_path_s": critical_path_s,
        "aws_calls": dict(sorted(aws_calls.items())),
        "plan": plan(report.release.plan) if report.release.plan else None,
    }


def plan(planned: Plan) -> dict[str, object]:
    """What a plan would change, for `plan --json` and `deploy --json`: names of attributes, never values."""
    return {
        "sha256": planned.sha256,
        "commit": planned.commit or None,
        "planned_at": moment(planned.planned_at),
        "changes": [asdict(change) for change in planned.changes],
        "data_loss": list(planned.losses),
    }


def moment(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, seconds."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def status(
    environment: str,
    url: str,
    traffic: Mapping[Color, int],
    live: Mapping[str, Revision],
    scaling: Mapping[str, Scaling],
    doubts: Sequence[str],
    holder: Holder | None,
    in_progress: str | None,
) -> dict[str, object]:
    """The object of `status --json`: what ECS and ELBv2 say, never what the ledger remembers.

    `scaling` holds the services whose count autoscaling moves.
    """
    running = [revision for revision in live.values() if revision.desired]
    same = len({revision.release for revision in running}) == 1
    return {
        "environment": environment,
        "release": (running[0].release or None) if running and same else None,
        "commit": (running[0].commit or None) if running and same else None,
        "url": url,
        "healthy": bool(running) and not doubts,
        "doubts": list(doubts),
        "traffic": {str(color): weight for color, weight in traffic.items()},
        "services": {
            name: {
                "color": str(revision.color),
                "digest": revision.digest or None,
                "desired": revision.desired,
                "running": revision.running,
                "scaling": {"min": scaling[name].fewest, "max": scaling[name].most} if name in scaling else None,
            }
            for name, revision in live.items()
        },
        "lock": _lock(holder) if holder else None,
        "in_progress": in_progress,
    }


def _lock(holder: Holder) -> dict[str, object]:
    return {"owner": holder.owner, "expires_at": moment(holder.expires_at), "reason": holder.reason or None}


def history(records: Sequence[Record], in_progress: str | None) -> list[dict[str, object]]:
    """The list of `history --json`, newest first; a release that still runs is `status`'s to tell.

    A record without an outcome whose run is gone was cut off: nobody was left to write it down.
    """
    return [
        {
            "release": record.release,
            "commit": record.commit,
            "outcome": str(record.outcome or Verdict.INTERRUPTED),
            "started_at": moment(record.started_at),
            "ended_at": moment(record.ended_at),
            "actor": record.actor,
            "digests": dict(record.digests),
            "reason": record.reason or ("" if record.outcome else "the run ended without a word"),
            "kind": record.kind,
            "restores": record.restores or None,
            "dirty": record.dirty,
            "gates": list(record.gates),
            "fix_forward": record.fix_forward or None,
        }
        for record in records
        if record.release != in_progress
    ]


def status_lines(answer: Mapping[str, object]) -> dict[str, str]:
    """`status` for people: name and value."""
    services = answer["services"]
    assert isinstance(services, Mapping)
    lock = answer["lock"]
    lines = {
        "environment": str(answer["environment"]),
        "url": str(answer["url"]),
        "release": str(answer["release"] or "none"),
        "commit": str(answer["commit"] or "-"),
        "healthy": "yes" if answer["healthy"] else "NO",
        "lock": _lock_words(lock) if isinstance(lock, Mapping) else "free",
        "in progress": str(answer["in_progress"] or "nothing"),
    }
    for name, service in services.items():
        digest = str(service["digest"] or "-")[:19]
        lines[name] = f"{service['color']}, {_tasks(service)}, {digest}"
    doubts = answer["doubts"]
    assert isinstance(doubts, list)
    for number, doubt in enumerate(doubts, 1):
        lines[f"doubt {number}"] = str(doubt)
    return lines


def _tasks(service: Mapping[str, Any]) -> str:
    """How many tasks run of how many; what autoscaling has under way is said to be that."""
    running, desired, scaling = service["running"], service["desired"], service["scaling"]
    told = f"{running} of {desired} tasks"
    if not scaling or running == desired:
        return told
    way = f"out, {desired - running} starting" if running < desired else f"in, {running - desired} stopping"
    return f"{told} (scaling {way}; {scaling['min']} to {scaling['max']})"


def _lock_words(lock: Mapping[str, object]) -> str:
    if lock["reason"]:
        return f"{lock['owner']} until inv unlock: {lock['reason']}"
    return f"{lock['owner']} until {lock['expires_at']}"


def history_rows(answer: Sequence[Mapping[str, object]]) -> list[tuple[str, ...]]:
    """`history` for people: a table of at most 80 columns, head first. A release's id says when it began."""
    rows: list[tuple[str, ...]] = [("release", "outcome", "actor")]
    for row in answer:
        outcome = f"{row['outcome']}, dirty" if row["dirty"] else str(row["outcome"])
        rows.append((str(row["release"]), outcome, str(row["actor"]).partition(" <")[0][:24]))
    return rows


def history_reason(row: Mapping[str, object]) -> str:
    """Why a release did not stay, or what it went back to; empty for most."""
    restores = f"back to {row['restores']}" if row["restores"] else ""
    return str(row["reason"] or restores)


def cloud_lines(answer: Mapping[str, object]) -> dict[str, str]:
    """`cloud.status` for people: name and value, a line for each container, named without what all names begin with."""
    containers, ports = answer["containers"], answer["ports"]
    assert isinstance(containers, Sequence)
    assert isinstance(ports, Mapping)
    lines = {key: str(answer[key]) for key in ("name", "running", "ready", "endpoint_url", "registry")}
    lines["ports"] = ", ".join(f"{name} {port}" for name, port in ports.items())
    for number, container in enumerate(containers, 1):
        name = str(container["name"]).removeprefix(f"{answer['name']}-")
        lines[f"container {number}"] = f"{name}, {container['state']}"
    return lines


def drift(environment: str, found: Drift) -> dict[str, object]:
    """The object of `drift --json`. Values are as JSON writes them; sensitive ones are words in brackets."""
    return {
        "environment": environment,
        "drift": bool(found.differences),
        "differences": [
            {
                "address": difference.address,
                "attribute": difference.attribute or None,
                "state": difference.recorded,
                "configuration": difference.wanted,
                "cloud": difference.found,
            }
            for difference in found.differences
        ],
        "pending": found.pending,
    }


def drift_lines(found: Drift) -> list[str]:
    """The same for people: a resource, and below it what differs."""
    lines: list[str] = []
    for number, difference in enumerate(found.differences):
        if not number or found.differences[number - 1].address != difference.address:
            lines.append(difference.address)
        if not difference.attribute:
            lines.append("    it is gone from the cloud")
            continue
        ours = f"Terraform {difference.recorded}"
        if difference.recorded != difference.wanted:
            ours = f"state {difference.recorded}, configuration {difference.wanted}"
        lines.append(f"    {difference.attribute}: {ours}, cloud {difference.found}")
    return lines or ["no drift"]
