"""CloudWatch's and SNS's controls broken, each at least once."""

from __future__ import annotations

from tests.infrastructure.controls.breaks import Break

MONITORING = "modules/monitoring/"
PUBLIC = 'Principal = { Service = "cloudwatch.amazonaws.com" }'

BREAKS = [
    Break("CloudWatch.15", MONITORING + "main.tf", "alarm_actions       = local.page\n", ""),
    Break(
        *("CloudWatch.15", MONITORING + "operations.tf"),
        *("alarm_actions       = each.value.critical ? local.page : local.tell", "alarm_actions = []"),
    ),
    Break("CloudWatch.17", MONITORING + "anomalies.tf", "ok_actions ", "actions_enabled = false\n  ok_actions "),
    Break("SNS.1", MONITORING + "topics.tf", "kms_master_key_id = var.kms_key_arn", ""),
    Break("SNS.1", "modules/security/detection.tf", "kms_master_key_id = aws_kms_key.this.arn", ""),
    Break("SNS.4", MONITORING + "topics.tf", PUBLIC, 'Principal = "*"'),
    Break("SNS.4", MONITORING + "second_region.tf", PUBLIC, 'Principal = { AWS = "*" }'),
]
