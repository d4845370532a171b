"""CloudFront and WAF."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.infrastructure.controls import control, each
from tests.infrastructure.controls.found import Found

DISTRIBUTION, FIREWALL = "aws_cloudfront_distribution", "aws_wafv2_web_acl"
OWN_BUCKET = r"\$\{module\.\w+(\[0\])?\.domain_names\.[\w-]+\}"
Block = Mapping[str, Any]


def nested(found: Found, name: str) -> list[Block]:
    """The blocks called `name`, those that a `dynamic` makes too."""
    made = [block[name] for block in found.blocks("dynamic") if name in block]
    bodies = [body for block in made for body in (block if isinstance(block, list) else [block])]
    return [*found.blocks(name), *(content for body in bodies for content in body["content"])]


def each_distribution(things: Sequence[Found], holds: Callable[[Found], bool]) -> list[str]:
    """Name the distributions for which `holds` is not true."""
    return each(things, DISTRIBUTION, holds)


def balancers(found: Found) -> list[Block]:
    """How a distribution asks the origins that are no buckets."""
    return [how for origin in nested(found, "origin") for how in origin.get("custom_origin_config") or []]


def buckets(found: Found) -> list[Block]:
    """A distribution's origins that are buckets."""
    return [origin for origin in nested(found, "origin") if not origin.get("custom_origin_config")]


def certificate(found: Found, attribute: str) -> object:
    """What a distribution says of its certificate."""
    (block,) = found.blocks("viewer_certificate")
    return block.get(attribute)


@control("CloudFront.1")
def root(things: Sequence[Found]) -> list[str]:
    """The root has its object."""
    return each_distribution(things, lambda found: bool(found.values.get("default_root_object")))


@control("CloudFront.3")
def visitors_by_tls(things: Sequence[Found]) -> list[str]:
    """Nothing is had by plain HTTP."""
    secure = ("redirect-to-https", "https-only")
    return each_distribution(
        things,
        lambda found: all(
            behavior.get("viewer_protocol_policy") in secure
            for kind in ("default_cache_behavior", "ordered_cache_behavior")
            for behavior in nested(found, kind)
        ),
    )


@control("CloudFront.4")
def failing_over(things: Sequence[Found]) -> list[str]:
    """Whatever is read has a second origin, that is another one."""

    def second(group: Block) -> bool:
        members = [member["origin_id"] for member in group.get("member") or []]
        return len(set(members)) == len(members) == 2  # CloudFront takes no more

    def holds(found: Found) -> bool:
        groups = nested(found, "origin_group")
        return bool(groups) and all(second(group) for group in groups)

    return each_distribution(things, holds)


@control("CloudFront.5")
def logged(things: Sequence[Found]) -> Iterator[str]:
    """Every distribution's access logs are delivered (standard logging v2)."""
    for found in (found for found in things if found.kind == DISTRIBUTION):
        same = [other for other in things if other.module == found.module]
        sources = [
            source
            for source in same
            if source.kind == "aws_cloudwatch_log_delivery_source"
            and source.is_("log_type", "ACCESS_LOGS")
            and (":" in found.module or source.is_("resource_arn", f"${{{DISTRIBUTION}.{found.name}.arn}}"))
        ]
        if not sources or not any(other.kind == "aws_cloudwatch_log_delivery" for other in same):
            yield found.where


@control("CloudFront.6")
def behind_a_firewall(things: Sequence[Found]) -> list[str]:
    """A web ACL stands before every distribution."""
    return each_distribution(things, lambda found: bool(found.values.get("web_acl_id")))


@control("CloudFront.7")
def own_certificate(things: Sequence[Found]) -> list[str]:
    """Visitors get our certificate, and TLS 1.2 or later."""
    return each_distribution(
        things,
        lambda found: (
            bool(certificate(found, "acm_certificate_arn"))
            and not certificate(found, "cloudfront_default_certificate")
            and str(certificate(found, "minimum_protocol_version")) >= "TLSv1.2_2021"
        ),
    )


@control("CloudFront.8")
def by_name(things: Sequence[Found]) -> list[str]:
    """Certificates are told apart by SNI, not by addresses of our own."""
    return each_distribution(things, lambda found: certificate(found, "ssl_support_method") == "sni-only")


@control("CloudFront.9")
def origins_by_tls(things: Sequence[Found]) -> list[str]:
    """What is no bucket is asked over TLS."""
    return each_distribution(
        things, lambda found: all(how.get("origin_protocol_policy") == "https-only" for how in balancers(found))
    )


@control("CloudFront.10")
def origins_by_new_tls(things: Sequence[Found]) -> list[str]:
    """And over TLS 1.2, nothing older."""
    return each_distribution(
        things, lambda found: all(list(how.get("origin_ssl_protocols", [])) == ["TLSv1.2"] for how in balancers(found))
    )


@control("CloudFront.12")
def origins_exist(things: Sequence[Found]) -> list[str]:
    """A bucket that is asked is one that Terraform makes: nobody else can take its name. A plan has no names yet."""
    return each_distribution(
        things,
        lambda found: (
            ":" in found.module
            or all(re.fullmatch(OWN_BUCKET, str(origin["domain_name"])) for origin in buckets(found))
        ),
    )


@control("CloudFront.13")
def signed(things: Sequence[Found]) -> list[str]:
    """CloudFront signs what it asks of buckets (origin access control)."""
    return each_distribution(
        things, lambda found: all(origin.get("origin_access_control_id") for origin in buckets(found))
    )


@control("WAF.10")
def firewalls_have_rules(things: Sequence[Found]) -> list[str]:
    """A web ACL without rules is none."""
    return each(things, FIREWALL, lambda found: bool(nested(found, "rule")))


@control("WAF.11")
def firewalls_log(things: Sequence[Found]) -> Iterator[str]:
    """Every web ACL logs what it decides."""
    for found in (found for found in things if found.kind == FIREWALL):
        logs = [
            other
            for other in things
            if (other.kind, other.module) == ("aws_wafv2_web_acl_logging_configuration", found.module)
            and other.values.get("log_destination_configs")
            and (other.name == found.name if ":" in found.module else f"{FIREWALL}.{found.name}." in str(other.values))
        ]
        if not logs:
            yield found.where


@control("WAF.12")
def firewalls_count(things: Sequence[Found]) -> list[str]:
    """Every rule is counted in CloudWatch."""
    return each(
        things,
        FIREWALL,
        lambda found: all(
            [one.get("cloudwatch_metrics_enabled") for one in block.get("visibility_config", [])] == [True]
            for block in (found.values, *nested(found, "rule"))
        ),
    )
