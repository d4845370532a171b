# Building blocks of what it takes to make and change this environment: what `terraform apply` calls. Verbs, never a whole
# service; and this environment's names, wherever AWS looks at names.
locals {
  iam       = "arn:aws:iam::${var.account_id}"
  tagged    = { StringEquals = { "aws:ResourceTag/environment" = var.environment } }
  in_region = { StringEquals = { "aws:RequestedRegion" = [var.region, var.replica_region] } }

  full_blocks = {
    network = [
      {
        Sid       = "Create" # what does not exist yet has neither name nor tag
        Effect    = "Allow"
        Action    = ["ec2:AllocateAddress", "ec2:AuthorizeSecurityGroup*", "ec2:Create*"]
        Resource  = "*"
        Condition = local.in_region
      },
      {
        Sid    = "Change"
        Effect = "Allow"
        Action = [
          "ec2:AssociateAddress", "ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:Delete*", "ec2:DetachInternetGateway",
          "ec2:DisassociateAddress", "ec2:DisassociateRouteTable", "ec2:Modify*", "ec2:ReleaseAddress", "ec2:Replace*",
          "ec2:RevokeSecurityGroup*", "ec2:UpdateSecurityGroup*",
        ]
        Resource  = "*"
        Condition = local.in_region
      },
      {
        Sid      = "EndpointNames" # EC2 asks for it on behalf of whoever makes an endpoint with names of its own
        Effect   = "Allow"
        Action   = "route53:AssociateVPCWithHostedZone"
        Resource = "*"
      },
    ]

    run = [
      {
        Sid    = "Cluster"
        Effect = "Allow"
        Action = ["ecs:CreateService", "ecs:DeleteCluster", "ecs:DeleteService", "ecs:PutClusterCapacityProviders",
        "ecs:UntagResource", "ecs:UpdateCluster*"]
        Resource = ["arn:aws:ecs:${local.aws}:cluster/${var.prefix}", "arn:aws:ecs:${local.aws}:service/${var.prefix}/*"]
      },
      {
        Sid    = "LoadBalancers"
        Effect = "Allow"
        Action = ["elasticloadbalancing:Add*", "elasticloadbalancing:Create*", "elasticloadbalancing:Delete*", "elasticloadbalancing:Modify*",
        "elasticloadbalancing:Remove*", "elasticloadbalancing:Set*"]
        Resource = [for kind in ["loadbalancer/app/${var.prefix}", "listener/app/${var.prefix}", "listener-rule/app/${var.prefix}", "targetgroup/${var.short_name}"] :
        "${local.balancer}:${kind}-*"]
      },
      {
        Sid       = "Scaling"
        Effect    = "Allow"
        Action    = ["application-autoscaling:DeleteScalingPolicy", "application-autoscaling:DeregisterScalableTarget", "application-autoscaling:PutScalingPolicy"]
        Resource  = "arn:aws:application-autoscaling:${local.aws}:scalable-target/*"
        Condition = { StringEquals = { "application-autoscaling:service-namespace" = "ecs" } }
      },
      {
        Sid      = "ScalingTags" # the condition above is unknown to them
        Effect   = "Allow"
        Action   = ["application-autoscaling:TagResource", "application-autoscaling:UntagResource"]
        Resource = "arn:aws:application-autoscaling:${local.aws}:scalable-target/*"
      },
      {
        Sid      = "Watching"
        Effect   = "Allow"
        Action   = ["cloudwatch:Delete*", "cloudwatch:Put*", "cloudwatch:*TagResource", "events:*TagResource", "events:Delete*", "events:Put*", "events:RemoveTargets", "sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:*TagResource"]
        Resource = ["arn:aws:cloudwatch:*:${var.account_id}:alarm:${var.prefix}*", "arn:aws:cloudwatch::${var.account_id}:dashboard/${var.prefix}*", "arn:aws:events:${local.aws}:rule/${var.prefix}*", "arn:aws:sns:*:${var.account_id}:${var.prefix}*"]
      },
      {
        Sid      = "Unnarrowed" # AWS knows no resource for these
        Effect   = "Allow"
        Action   = ["cloudwatch:PutAnomalyDetector", "cloudwatch:DeleteAnomalyDetector", "ecs:CreateCluster", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"]
        Resource = "*"
      },
      {
        Sid      = "LogGroups"
        Effect   = "Allow"
        Action   = ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:*RetentionPolicy", "logs:*TagResource"]
        Resource = ["arn:aws:logs:${local.aws}:log-group:${local.path}/*", "arn:aws:logs:*:${var.account_id}:log-group:aws-waf-logs-${var.prefix}*", "arn:aws:logs:${local.aws}:log-group:/aws/*/${var.prefix}/*"]
      },
      {
        Sid      = "CopiesOfImages" # of the whole registry, wherever an environment asks for them
        Effect   = "Allow"
        Action   = ["ecr:CreateRepositoryCreationTemplate", "ecr:DeleteRepositoryCreationTemplate", "ecr:PutReplicationConfiguration", "ecr:UpdateRepositoryCreationTemplate"]
        Resource = "*"
      },
      {
        Sid      = "Parameters"
        Effect   = "Allow"
        Action   = ["ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:PutParameter", "ssm:RemoveTagsFromResource"]
        Resource = "arn:aws:ssm:${local.aws}:parameter${local.path}/*"
      },
    ]

    edge = [
      {
        Sid      = "Grafana"
        Effect   = "Allow"
        Action   = ["grafana:DeleteWorkspace", "grafana:*TagResource", "grafana:Update*"]
        Resource = "arn:aws:grafana:${var.replica_region}:${var.account_id}:/workspaces*" # AWS has none in the first one
      },
      {
        Sid      = "GrafanaSignIn" # Grafana asks for these on behalf of whoever makes a workspace
        Effect   = "Allow"
        Action   = concat(["grafana:CreateWorkspace"], local.grafana_sign_in)
        Resource = "*"
      },
      {
        Sid      = "LogDeliveryTags"
        Effect   = "Allow"
        Action   = ["logs:TagResource", "logs:UntagResource"]
        Resource = "arn:aws:logs:us-east-1:${var.account_id}:delivery*" # source, destination, and what joins them
      },
      {
        Sid    = "CloudFrontAndFirewall" # both name what they make at random; the boundary keeps off what is tagged otherwise
        Effect = "Allow"
        Action = ["cloudfront:AllowVendedLogDeliveryForResource", "cloudfront:Associate*", "cloudfront:Create*", "cloudfront:Delete*", "cloudfront:*TagResource", "cloudfront:Update*",
        "elasticloadbalancing:SetWebACL", "logs:*Delivery*", "logs:*ResourcePolicy", "wafv2:*WebACL", "wafv2:*IPSet", "wafv2:*LoggingConfiguration", "wafv2:*TagResource"]
        Resource = "*"
      },
      {
        Sid      = "ErrorPage" # versions go with the object
        Effect   = "Allow"
        Action   = ["s3:DeleteObjectVersion", "s3:ListBucketVersions", "s3:*ObjectTagging"]
        Resource = [local.page, "${local.page}/*"]
      },
      {
        Sid       = "Names" # the zone is everybody's, but each environment has its own names in it
        Effect    = "Allow"
        Action    = "route53:ChangeResourceRecordSets"
        Resource  = "arn:aws:route53:::hostedzone/*"
        Condition = { "ForAllValues:StringLike" = { "route53:ChangeResourceRecordSetsNormalizedRecordNames" = [var.domain, "*.${var.domain}"] } }
      },
      {
        Sid    = "NamesAndCertificates" # a zone is made by an administrator's first apply at the latest, and deleted by nobody else
        Effect = "Allow"
        Action = ["acm:AddTagsToCertificate", "acm:DeleteCertificate", "acm:RemoveTagsFromCertificate", "acm:RequestCertificate",
        "route53:ChangeTagsForResource", "route53:CreateHealthCheck", "route53:CreateHostedZone", "route53:DeleteHealthCheck", "route53:UpdateHealthCheck", "route53:UpdateHostedZoneComment"]
        Resource = "*"
      },
    ]

    data = local.data_block
    identity = [
      {
        Sid      = "Roles" # with a boundary only: boundary.tf
        Effect   = "Allow"
        Action   = concat(local.role_changes, ["iam:TagRole", "iam:UntagRole", "iam:UpdateRoleDescription"])
        Resource = "${local.iam}:role/${var.prefix}-*"
      },
      {
        Sid      = "Policies"
        Effect   = "Allow"
        Action   = ["iam:CreatePolicy*", "iam:DeletePolicy*", "iam:SetDefaultPolicyVersion", "iam:TagPolicy", "iam:UntagPolicy"]
        Resource = "${local.iam}:policy/${var.prefix}-*"
      },
      {
        Sid       = "HandRolesToServices"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = "${local.iam}:role/${var.prefix}-*"
        Condition = { StringEquals = { "iam:PassedToService" = [for service in ["backup", "ecs-tasks", "events", "grafana", "monitoring.rds", "s3"] : "${service}.amazonaws.com"] } }
      },
      {
        Sid       = "ServiceLinkedRoles"
        Effect    = "Allow"
        Action    = "iam:CreateServiceLinkedRole"
        Resource  = "${local.iam}:role/aws-service-role/*"
        Condition = { StringLike = { "iam:AWSServiceName" = "*.amazonaws.com" } }
      },
    ]

    account = [
      {
        Sid      = "WhatAnAccountHasOnce"
        Effect   = "Allow"
        Action   = ["cloudformation:CreateResource", "cloudformation:DeleteResource", "cloudformation:UpdateResource", "config:Delete*", "config:Put*", "config:St*ConfigurationRecorder", "ecr:CreateRepository*", "ecr:DeleteLifecyclePolicy", "ecr:DeleteRepository*", "ecr:Put*", "ecr:*TagResource", "guardduty:CreateDetector", "guardduty:DeleteDetector", "guardduty:UpdateDetector", "guardduty:*TagResource", "inspector2:Disable", "inspector2:Enable", "s3:PutAccountPublicAccessBlock"]
        Resource = "*"
      },
      {
        Sid       = "ConfigRole"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = "${local.iam}:role/aws-service-role/config.amazonaws.com/*"
        Condition = { StringEquals = { "iam:PassedToService" = "config.amazonaws.com" } }
      },
      {
        Sid      = "WhoVouchesForCi"
        Effect   = "Allow"
        Action   = ["iam:*OpenIDConnectProvider*"]
        Resource = "${local.iam}:oidc-provider/${local.issuer}"
      },
    ]
  }
}
