# Who may do what here. Four roles that people take, and one that CI takes; the tfvars say what each may do in this
# environment (access.roles). Nobody has a password or a key of AWS's that stays.
locals {
  # What a level comes to: building blocks, each a policy (permissions.tf, permissions_full.tf).
  levels = {
    read    = ["read"]
    approve = ["read", "approve"]
    test    = ["read", "test"]
    deploy  = ["read", "test", "plan", "deploy"]
    full    = concat(["read", "test", "plan", "deploy", "network", "run", "edge", "data", "identity"], var.account == null ? [] : ["account"])
  }

  # Whose role somebody may take stands in this tag of user or session, which the account's sign-in sets.
  person_tag = "indivillage-role"

  people = var.people == null ? {} : var.people.roles

  # Role -> what it may do. CI brings up what the branch says, infrastructure as well.
  holders = merge(local.people, var.ci == null ? {} : { ci = "full" })

  held = merge([for holder, level in local.holders : {
    for block in local.levels[level] : "${holder}-${block}" => { holder = holder, block = block }
  }]...)

  roles = merge({ for name, role in aws_iam_role.person : name => role.name }, { for role in aws_iam_role.ci : "ci" => role.name })
}

# Taken by whoever the account's sign-in calls so. Where admin_mfa asks for it, a role that may change infrastructure is had only with a second factor, and no older than an hour.
resource "aws_iam_role" "person" {
  for_each = local.people

  name                 = "${var.prefix}-${replace(each.key, "_", "-")}"
  description          = "People: ${replace(each.key, "_", " ")} (${each.value})"
  permissions_boundary = aws_iam_policy.boundary["people"].arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PeopleOfThisAccount"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
      Action    = ["sts:AssumeRole", "sts:SetSourceIdentity"]
      Condition = merge(
        { StringEquals = { "aws:PrincipalTag/${local.person_tag}" = replace(each.key, "_", "-") } },
        each.value == "full" && var.people.admin_mfa ? {
          Bool            = { "aws:MultiFactorAuthPresent" = "true" }
          NumericLessThan = { "aws:MultiFactorAuthAge" = "3600" }
        } : {},
      )
    }]
  })
}

# GitHub says for whom it vouches. An account knows it once: the environment that owns the account makes it.
resource "aws_iam_openid_connect_provider" "ci" {
  count = var.ci != null && var.account != null ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  issuer = "token.actions.githubusercontent.com"

  # Every verb but those that look, which a plan needs.
  vouching = [for verb in ["AddClientIDTo", "Create", "Delete", "RemoveClientIDFrom", "Tag", "Untag", "Update"] : "iam:${verb}OpenIDConnectProvider*"]
}

# Repository, environment and branch in one claim, which GitHub puts together so once the repository is told to:
#   gh api -X PUT repos/OWNER/NAME/actions/oidc/customization/sub -F use_default=false \
#     -f 'include_claim_keys[]=repo' -f 'include_claim_keys[]=context' -f 'include_claim_keys[]=ref'
# Until then nobody gets in: the default claim names no branch beside an environment.
resource "aws_iam_role" "ci" {
  #checkov:skip=CKV_AWS_393:repository, environment and branch in one claim, as GitHub is told to put it together; checkov knows its default form only

  count = var.ci == null ? 0 : 1

  name                 = "${var.prefix}-ci"
  description          = "CI: branch ${var.ci.branch} of ${var.ci.repository}, environment ${var.ci.environment}"
  permissions_boundary = aws_iam_policy.boundary["people"].arn
  max_session_duration = 7200 # production proves itself for 20 minutes, after a cold apply

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ThisBranchOnly"
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::${var.account_id}:oidc-provider/${local.issuer}" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "${local.issuer}:aud" = "sts.amazonaws.com"
        "${local.issuer}:sub" = "repo:${var.ci.repository}:environment:${var.ci.environment}:ref:refs/heads/${var.ci.branch}"
      } }
    }]
  })
}

# Who may do what is changed by people, with their second factor: what CI runs could otherwise give itself more.
resource "aws_iam_role_policy" "ci" {
  count = var.ci == null ? 0 : 1

  name = "no-say-in-access"
  role = aws_iam_role.ci[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Roles"
        Effect   = "Deny"
        Action   = local.role_changes
        Resource = [for name in concat(keys(local.people), ["ci"]) : "arn:aws:iam::${var.account_id}:role/${var.prefix}-${replace(name, "_", "-")}"]
      },
      {
        Sid      = "Policies"
        Effect   = "Deny"
        Action   = concat(["iam:CreatePolicy*", "iam:DeletePolicy*", "iam:SetDefaultPolicyVersion"], local.vouching)
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_policy" "block" {
  for_each = toset([for held in values(local.held) : held.block])

  name        = "${var.prefix}-${each.key}"
  description = "${var.prefix}: ${each.key}"
  policy      = jsonencode({ Version = "2012-10-17", Statement = local.blocks[each.key] })
}

resource "aws_iam_role_policy_attachment" "held" {
  for_each = local.held

  role       = local.roles[each.value.holder]
  policy_arn = aws_iam_policy.block[each.value.block].arn
}
