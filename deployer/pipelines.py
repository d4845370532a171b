"""The table of contents: what each command does, as tuples of stages."""

from __future__ import annotations

from deployer.stages import (
    alarms,
    apply,
    build,
    compare,
    consent,
    deploy,
    lint,
    lock,
    migrate,
    place,
    plan,
    platform,
    push,
    reconcile,
    record,
    retire,
    rollback,
    scan,
    schedule,
    settings,
    smoke_test,
    test,
    verify,
)

DEPLOY = (
    settings.STAGE,
    lint.STAGE,
    test.STAGE,
    scan.STAGE,
    platform.STAGE,
    lock.STAGE,
    build.STAGE,
    plan.STAGE,
    consent.STAGE,
    compare.STAGE,
    alarms.STAGE,
    record.STAGE,
    apply.STAGE,
    push.STAGE,
    verify.STAGE,
    place.STAGE,
    migrate.STAGE,
    schedule.STAGE,
    deploy.STAGE,
    smoke_test.STAGE,
    retire.STAGE,
)
"""A commit to an environment."""

DEPLOY_ANEW = tuple(stage for stage in DEPLOY if stage is not compare.STAGE)
"""The same, even when it serves already."""

REDEPLOY = (
    lock.STAGE,
    alarms.STAGE,
    record.STAGE,
    rollback.STAGE,
    verify.SCHEMA_STAYS,
    place.STAGE,
    deploy.STAGE,
    smoke_test.STAGE,
    retire.STAGE,
)
"""A release of the ledger again, as a new release: its images, today's infrastructure and configuration.

No migrate: the schema is at its head or beyond, and an older image does not know what is beyond."""

ROLLBACK = (
    lock.STAGE,
    record.STAGE,
    rollback.STAGE,
    place.STAGE,
    deploy.STAGE,
    smoke_test.STAGE,
    retire.STAGE,
)
"""Back to a good release as one unit. Migrations are backward compatible and stay."""

DRY_RUN = (settings.STAGE, lint.STAGE, test.STAGE, scan.STAGE, build.STAGE, plan.STAGE, consent.STAGE)
"""What a deploy would do, up to the first change."""

PUSH = (platform.STAGE, lock.STAGE, build.STAGE, push.STAGE)
PLAN = (platform.STAGE, lock.STAGE, plan.STAGE, consent.STAGE)
APPLY = (platform.STAGE, lock.STAGE, consent.STAGE, apply.STAGE)
VERIFY = (verify.STAGE,)
MIGRATE = (platform.STAGE, lock.STAGE, build.STAGE, push.STAGE, verify.STAGE, place.STAGE, migrate.STAGE)
SMOKE_TEST = (smoke_test.STAGE,)
RECONCILE = (lock.STAGE, reconcile.STAGE)
