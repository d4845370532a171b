"""IAM's controls broken, each at least once."""

from __future__ import annotations

from tests.infrastructure.controls.breaks import Break

LOOK, CHANGE = "modules/security/permissions.tf", "modules/security/permissions_data.tf"
ALLOW = """resource "aws_iam_role_policy" "a" {{
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Sid = "Any", Effect = "Allow", {what}, Resource = "*" }}]
  }})
}}
"""

BREAKS = [
    Break("IAM.1", LOOK, 'Action   = "ssm:GetParameter"', 'Action   = "*"'),
    Break("IAM.1", CHANGE, "", ALLOW.format(what='Action = ["*"]')),
    Break("IAM.1", CHANGE, "", ALLOW.format(what='NotAction = ["iam:*"]')),
    Break("IAM.21", LOOK, '"ec2:Describe*",', '"ec2:*",'),
    Break("IAM.21", CHANGE, '"secretsmanager:CreateSecret"', '"secretsmanager:*"'),
    Break("IAM.21", "modules/compute/roles.tf", '"elasticache:Connect"', '"elasticache:*"'),
]
