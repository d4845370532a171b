"""What the AWS provider calls to make, change and end one, by type, beside what a plan calls (calls.py)."""

from __future__ import annotations

_TAGGED_ROLE = "iam:CreateRole iam:TagRole iam:DeleteRole iam:UpdateAssumeRolePolicy iam:UpdateRole iam:PassRole"
_RULES = "ec2:CreateTags ec2:ModifySecurityGroupRules ec2:DeleteTags"
_KEY_ON_BEHALF = "kms:CreateGrant kms:DescribeKey"

_S3 = {
    kind: f"s3:Put{verb}"
    for kind, verb in {
        "lifecycle_configuration": "LifecycleConfiguration",
        "logging": "BucketLogging",
        "object_lock_configuration": "BucketObjectLockConfiguration",
        "ownership_controls": "BucketOwnershipControls",
        "policy": "BucketPolicy s3:DeleteBucketPolicy",
        "public_access_block": "BucketPublicAccessBlock",
        "server_side_encryption_configuration": "EncryptionConfiguration",
        "versioning": "BucketVersioning",
    }.items()
}

CHANGED = {
    "aws_acm_certificate": "acm:RequestCertificate acm:AddTagsToCertificate acm:DeleteCertificate",
    "aws_acm_certificate_validation": "",
    "aws_appautoscaling_policy": "application-autoscaling:PutScalingPolicy application-autoscaling:DeleteScalingPolicy",
    "aws_appautoscaling_target": "application-autoscaling:RegisterScalableTarget application-autoscaling:TagResource"
    " application-autoscaling:DeregisterScalableTarget iam:CreateServiceLinkedRole",
    "aws_backup_plan": "backup:CreateBackupPlan backup:UpdateBackupPlan backup:DeleteBackupPlan backup:TagResource",
    "aws_backup_selection": "backup:CreateBackupSelection backup:DeleteBackupSelection iam:PassRole",
    "aws_backup_vault": "backup:CreateBackupVault backup:DeleteBackupVault backup-storage:MountCapsule"
    f" {_KEY_ON_BEHALF} kms:GenerateDataKey kms:Decrypt",
    "aws_backup_vault_lock_configuration": "backup:PutBackupVaultLockConfiguration",
    "aws_cloudcontrolapi_resource": "cloudformation:CreateResource cloudformation:UpdateResource"
    " cloudformation:DeleteResource cloudformation:GetResourceRequestStatus ecr:CreateRepository ecr:TagResource"
    " ecr:PutImageTagMutability ecr:PutImageScanningConfiguration ecr:DeleteRepository",
    "aws_cloudfront_distribution": "cloudfront:CreateDistribution cloudfront:TagResource cloudfront:UpdateDistribution"
    " cloudfront:DeleteDistribution",
    "aws_cloudfront_origin_access_control": "cloudfront:CreateOriginAccessControl cloudfront:DeleteOriginAccessControl",
    "aws_cloudfront_response_headers_policy": "cloudfront:CreateResponseHeadersPolicy"
    " cloudfront:UpdateResponseHeadersPolicy",
    "aws_cloudwatch_dashboard": "cloudwatch:PutDashboard cloudwatch:DeleteDashboards",
    "aws_cloudwatch_event_rule": "events:PutRule events:TagResource events:DeleteRule",
    "aws_cloudwatch_event_target": "events:PutTargets events:RemoveTargets iam:PassRole",
    "aws_cloudwatch_log_delivery": "logs:CreateDelivery logs:TagResource@:delivery logs:DeleteDelivery",
    "aws_cloudwatch_log_delivery_destination": "logs:PutDeliveryDestination logs:DeleteDeliveryDestination",
    "aws_cloudwatch_log_delivery_source": "logs:PutDeliverySource logs:DeleteDeliverySource"
    " cloudfront:AllowVendedLogDeliveryForResource",
    "aws_cloudwatch_log_group": "logs:CreateLogGroup logs:TagResource logs:PutRetentionPolicy logs:AssociateKmsKey"
    " logs:DeleteLogGroup",
    "aws_cloudwatch_metric_alarm": "cloudwatch:PutMetricAlarm cloudwatch:TagResource cloudwatch:DeleteAlarms",
    "aws_config_configuration_recorder": "config:PutConfigurationRecorder iam:PassRole@config.amazonaws.com",
    "aws_config_configuration_recorder_status": "config:StartConfigurationRecorder config:StopConfigurationRecorder",
    "aws_config_delivery_channel": "config:PutDeliveryChannel config:DeleteDeliveryChannel",
    "aws_db_event_subscription": "rds:CreateEventSubscription rds:ModifyEventSubscription rds:AddTagsToResource",
    "aws_db_instance": "rds:CreateDBInstance rds:AddTagsToResource rds:ModifyDBInstance rds:DeleteDBInstance"
    f" iam:PassRole rds:RestoreDBInstanceToPointInTime rds:CreateDBInstance@og:default {_KEY_ON_BEHALF}"
    " secretsmanager:CreateSecret@:secret:rds!db- secretsmanager:TagResource@:secret:rds!db-",
    "aws_db_instance_automated_backups_replication": "rds:StartDBInstanceAutomatedBackupsReplication"
    f" rds:StopDBInstanceAutomatedBackupsReplication {_KEY_ON_BEHALF}",
    "aws_db_parameter_group": "rds:CreateDBParameterGroup rds:ModifyDBParameterGroup rds:DeleteDBParameterGroup",
    "aws_db_subnet_group": "rds:CreateDBSubnetGroup rds:ModifyDBSubnetGroup rds:DeleteDBSubnetGroup",
    "aws_default_security_group": "ec2:RevokeSecurityGroupIngress ec2:RevokeSecurityGroupEgress ec2:CreateTags",
    "aws_ecr_lifecycle_policy": "ecr:PutLifecyclePolicy ecr:DeleteLifecyclePolicy",
    "aws_ecr_replication_configuration": "ecr:PutReplicationConfiguration iam:CreateServiceLinkedRole",
    "aws_ecr_repository": "ecr:CreateRepository ecr:DeleteRepository",
    "aws_ecr_repository_creation_template": "ecr:CreateRepositoryCreationTemplate ecr:UpdateRepositoryCreationTemplate"
    " ecr:DeleteRepositoryCreationTemplate",
    "aws_ecs_cluster": "ecs:CreateCluster@* ecs:TagResource ecs:UpdateCluster ecs:DeleteCluster",
    "aws_ecs_service": "ecs:CreateService ecs:TagResource ecs:UpdateService ecs:DeleteService",
    "aws_ecs_task_definition": "ecs:RegisterTaskDefinition ecs:DeregisterTaskDefinition ecs:TagResource iam:PassRole",
    "aws_efs_backup_policy": "elasticfilesystem:PutBackupPolicy",
    "aws_efs_file_system": "elasticfilesystem:CreateFileSystem elasticfilesystem:TagResource"
    " elasticfilesystem:PutLifecycleConfiguration elasticfilesystem:DeleteFileSystem",
    "aws_efs_file_system_policy": "elasticfilesystem:PutFileSystemPolicy",
    "aws_efs_mount_target": "elasticfilesystem:CreateMountTarget elasticfilesystem:DeleteMountTarget",
    "aws_eip": "ec2:AllocateAddress ec2:CreateTags ec2:ReleaseAddress",
    "aws_elasticache_replication_group": "elasticache:CreateReplicationGroup elasticache:AddTagsToResource"
    f" elasticache:ModifyReplicationGroup elasticache:DeleteReplicationGroup {_KEY_ON_BEHALF}",
    "aws_elasticache_subnet_group": "elasticache:CreateCacheSubnetGroup elasticache:ModifyCacheSubnetGroup",
    "aws_elasticache_user": "elasticache:CreateUser elasticache:ModifyUser elasticache:DeleteUser",
    "aws_elasticache_user_group": "elasticache:CreateUserGroup elasticache:ModifyUserGroup elasticache:DeleteUserGroup",
    "aws_flow_log": "ec2:CreateFlowLogs ec2:DeleteFlowLogs logs:CreateLogDelivery logs:DeleteLogDelivery",
    "aws_grafana_role_association": "grafana:UpdatePermissions",
    "aws_grafana_workspace": "grafana:CreateWorkspace@*"
    " grafana:UpdateWorkspace@grafana:ap-southeast-1"
    " grafana:UpdateWorkspaceConfiguration grafana:DeleteWorkspace grafana:TagResource iam:PassRole"
    " sso:CreateManagedApplicationInstance sso:DescribeRegisteredRegions",
    "aws_guardduty_detector": "guardduty:CreateDetector guardduty:TagResource guardduty:DeleteDetector",
    "aws_guardduty_detector_feature": "guardduty:UpdateDetector",
    "aws_iam_openid_connect_provider": "iam:CreateOpenIDConnectProvider iam:TagOpenIDConnectProvider",
    "aws_iam_policy": "iam:CreatePolicy iam:TagPolicy iam:CreatePolicyVersion iam:DeletePolicyVersion iam:DeletePolicy",
    "aws_iam_role": _TAGGED_ROLE,
    "aws_iam_role_policy": "iam:PutRolePolicy iam:DeleteRolePolicy",
    "aws_iam_role_policy_attachment": "iam:AttachRolePolicy iam:DetachRolePolicy",
    "aws_iam_service_linked_role": "iam:CreateServiceLinkedRole",
    "aws_inspector2_enabler": "inspector2:Enable inspector2:Disable iam:CreateServiceLinkedRole",
    "aws_internet_gateway": "ec2:CreateInternetGateway ec2:AttachInternetGateway ec2:DeleteInternetGateway",
    "aws_kms_alias": "kms:CreateAlias kms:DeleteAlias",
    "aws_kms_key": "kms:CreateKey@* kms:TagResource@aws:RequestTag kms:EnableKeyRotation kms:PutKeyPolicy"
    " kms:ScheduleKeyDeletion",
    "aws_kms_key_policy": "kms:PutKeyPolicy",
    "aws_lb": "elasticloadbalancing:CreateLoadBalancer elasticloadbalancing:AddTags"
    " elasticloadbalancing:ModifyLoadBalancerAttributes elasticloadbalancing:SetSecurityGroups"
    " elasticloadbalancing:DeleteLoadBalancer ec2:GetSecurityGroupsForVpc iam:CreateServiceLinkedRole",
    "aws_lb_listener": "elasticloadbalancing:CreateListener elasticloadbalancing:ModifyListener"
    " elasticloadbalancing:DeleteListener",
    "aws_lb_target_group": "elasticloadbalancing:CreateTargetGroup elasticloadbalancing:ModifyTargetGroup"
    " elasticloadbalancing:ModifyTargetGroupAttributes elasticloadbalancing:DeleteTargetGroup",
    "aws_nat_gateway": "ec2:CreateNatGateway ec2:DeleteNatGateway",
    "aws_route": "ec2:CreateRoute ec2:ReplaceRoute ec2:DeleteRoute",
    "aws_route53_health_check": "route53:CreateHealthCheck route53:ChangeTagsForResource route53:DeleteHealthCheck",
    "aws_route53_record": "route53:ChangeResourceRecordSets route53:GetChange",
    "aws_route53_zone": "route53:CreateHostedZone route53:ChangeTagsForResource",
    "aws_route_table": "ec2:CreateRouteTable ec2:DeleteRouteTable",
    "aws_route_table_association": "ec2:AssociateRouteTable ec2:DisassociateRouteTable",
    "aws_s3_account_public_access_block": "s3:PutAccountPublicAccessBlock",
    "aws_s3_bucket": "s3:CreateBucket s3:PutBucketTagging s3:DeleteBucket",
    **{f"aws_s3_bucket_{kind}": actions for kind, actions in _S3.items()},
    "aws_s3_bucket_replication_configuration": "s3:PutReplicationConfiguration iam:PassRole",
    "aws_s3_object": "s3:PutObject s3:PutObjectTagging@-cdn- s3:DeleteObject s3:DeleteObjectVersion@-cdn-"
    " s3:ListBucketVersions@-cdn-",
    "aws_secretsmanager_secret": "secretsmanager:CreateSecret secretsmanager:TagResource secretsmanager:UpdateSecret"
    " secretsmanager:DeleteSecret kms:GenerateDataKey",
    "aws_secretsmanager_secret_rotation": "secretsmanager:RotateSecret@:secret:rds!db-",
    "aws_secretsmanager_secret_version": "secretsmanager:PutSecretValue secretsmanager:UpdateSecretVersionStage",
    "aws_security_group": f"ec2:CreateSecurityGroup ec2:RevokeSecurityGroupEgress ec2:DeleteSecurityGroup {_RULES}",
    "aws_sns_topic": "sns:CreateTopic sns:TagResource sns:SetTopicAttributes sns:DeleteTopic",
    "aws_sns_topic_policy": "sns:SetTopicAttributes",
    "aws_sns_topic_subscription": "sns:Subscribe sns:Unsubscribe@*",
    "aws_ssm_parameter": "ssm:PutParameter ssm:AddTagsToResource ssm:DeleteParameter",
    "aws_subnet": "ec2:CreateSubnet ec2:ModifySubnetAttribute ec2:DeleteSubnet",
    "aws_vpc": "ec2:CreateVpc ec2:ModifyVpcAttribute ec2:DeleteVpc",
    "aws_vpc_endpoint": "ec2:CreateVpcEndpoint ec2:ModifyVpcEndpoint ec2:DeleteVpcEndpoints"
    " route53:AssociateVPCWithHostedZone",
    "aws_vpc_security_group_egress_rule": f"ec2:AuthorizeSecurityGroupEgress ec2:RevokeSecurityGroupEgress {_RULES}",
    "aws_vpc_security_group_ingress_rule": f"ec2:AuthorizeSecurityGroupIngress ec2:RevokeSecurityGroupIngress {_RULES}",
    "aws_wafv2_ip_set": "wafv2:CreateIPSet wafv2:UpdateIPSet wafv2:DeleteIPSet wafv2:TagResource",
    "aws_wafv2_web_acl": "wafv2:CreateWebACL wafv2:UpdateWebACL wafv2:DeleteWebACL wafv2:TagResource",
    "aws_wafv2_web_acl_association": "wafv2:AssociateWebACL wafv2:DisassociateWebACL elasticloadbalancing:SetWebACL",
    "aws_wafv2_web_acl_logging_configuration": "wafv2:PutLoggingConfiguration wafv2:DeleteLoggingConfiguration"
    " logs:CreateLogDelivery logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups",
}
"""Type of resource -> what an apply calls, beside what a plan does."""
