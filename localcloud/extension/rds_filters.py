"""DescribeDBInstances by resource id: MiniStack passes over that filter and names every instance.

Terraform's provider asks so, and waits for the end of a deleted instance as long as it is told of any other one.
Source (Filters): https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.extension.emulator import replace

RESOURCE_ID = "dbi-resource-id"


def install(rds: Any) -> None:
    """Teach MiniStack's RDS module the filter."""
    others = rds._apply_instance_filters

    def filtered(instances: Sequence[Mapping[str, Any]], filters: Mapping[str, Sequence[str]]) -> Any:
        wanted = filters.get(RESOURCE_ID)
        return others([one for one in instances if wanted is None or one.get("DbiResourceId") in wanted], filters)

    replace(rds, "_apply_instance_filters", filtered)
