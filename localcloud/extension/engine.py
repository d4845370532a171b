"""Everything MiniStack asks of the Docker Engine goes through here: named and labelled ours, published nowhere.

MiniStack names containers and volumes by account and region, so two local clouds on one machine would take each
other's; it publishes databases on every interface; it reports their IP address, which a restart changes; and it asks
for official images by names that a machine without a registry cannot pull and that are not ours to give away. So each
name gets the instance's, each container and volume its label, published ports stay inside, a database is reachable in
the cloud's network under a name that stays, and the images to use instead are handed to us by reference.
"""

from collections.abc import Mapping
from typing import Any

from localcloud.extension.emulator import replace
from localcloud.names import LABEL

THEIRS = "ministack-"


def install(api: Any, instance: str, images: Mapping[str, str]) -> None:
    """Patch the Docker SDK's low-level client class API for the cloud named INSTANCE.

    IMAGES maps the beginning of an image reference that MiniStack asks for to the image that is started instead.
    """
    create, inspect, inspect_image = api.create_container_from_config, api.inspect_container, api.inspect_image
    remove = api.remove_container
    find_volume, drop_volume, make_volume = api.inspect_volume, api.remove_volume, api.create_volume

    def create_container(self: Any, config: Any, name: str | None = None, platform: str | None = None) -> Any:
        config["Image"] = stand_in(config["Image"], images)
        for volume in claim(config, instance):
            make_volume(self, volume, labels={LABEL: instance})
        return create(self, config, ours(name, instance) if name else None, platform)

    def remove_container(self: Any, container: Any, *_: Any, link: bool = False, force: bool = False, **__: Any) -> Any:
        # Its anonymous volumes go with it: nothing would ever find them again.
        return remove(self, container, v=True, link=link, force=force)

    replace(api, "create_container_from_config", create_container)
    replace(api, "inspect_container", lambda self, container: inspect(self, ours(container, instance)))
    replace(api, "inspect_image", lambda self, image: inspect_image(self, stand_in(image, images)))
    replace(api, "remove_container", remove_container)
    replace(api, "inspect_volume", lambda self, name: find_volume(self, ours(name, instance)))
    replace(api, "remove_volume", lambda self, name, force=False: drop_volume(self, ours(name, instance), force))


def install_endpoints(rds: Any, elasticache: Any) -> None:
    """Let DescribeDBInstances and friends report the lasting name of a database instead of its present address."""
    reported, spawn = rds._reported_endpoint, elasticache._spawn_redis_container

    def reported_endpoint(host: str, port: int, host_port: int) -> Any:
        return reported(_name_of(rds._get_docker(), host) or host, port, host_port)

    def spawn_redis(*args: Any, labels: Mapping[str, str], **kwargs: Any) -> Any:
        host, port, container = spawn(*args, labels=labels, **kwargs)
        return (database_name(labels) or host, port, container) if container else (host, port, container)

    replace(rds, "_reported_endpoint", reported_endpoint)
    replace(elasticache, "_spawn_redis_container", spawn_redis)


def install_storage(rds: Any) -> None:
    """Let a deleted database instance take its data along; a new one of its name would not open with its password."""
    delete = rds._delete_db_instance_impl

    def delete_db_instance(request: Any) -> Any:
        identifier = rds._p(request, "DBInstanceIdentifier")
        volume = (rds._resolve_instance(identifier) or {}).get("_docker_volume_name")
        answer = delete(request)
        docker = rds._get_docker()
        if volume and docker and not rds._resolve_instance(identifier):
            docker.volumes.get(volume).remove()
        return answer

    replace(rds, "_delete_db_instance_impl", delete_db_instance)


def ours(name: Any, instance: str) -> Any:
    """MiniStack's NAME of a container or volume as this cloud calls it; an id or a dict passes unchanged."""
    if isinstance(name, str) and name.startswith(THEIRS):
        return f"{instance}-{name.removeprefix(THEIRS)}"
    return name


def stand_in(image: Any, images: Mapping[str, str]) -> Any:
    """The image to use for IMAGE: one of ours where MiniStack asks for an official database image."""
    return next((ours for start, ours in images.items() if isinstance(image, str) and image.startswith(start)), image)


def claim(config: Any, instance: str) -> list[str]:
    """Change the container CONFIG so that it is visibly and only ours; returns the named volumes it uses."""
    labels = config["Labels"] = {**(config.get("Labels") or {}), LABEL: instance}
    host = config.setdefault("HostConfig", {})
    host.pop("PortBindings", None)
    volumes, binds = [], []
    for bind in host.get("Binds") or []:
        source, _, rest = bind.partition(":")
        binds.append(f"{ours(source, instance)}:{rest}")
        if not source.startswith("/"):
            volumes.append(ours(source, instance))
    if binds:
        host["Binds"] = binds
    name = database_name(labels)
    if name and host.get("NetworkMode") == instance:
        # What `run(network=…)` sends as NetworkingConfig names no endpoint, so there is nothing to keep of it.
        config["NetworkingConfig"] = {"EndpointsConfig": {instance: {"Aliases": [name]}}}
    return volumes


def database_name(labels: Mapping[str, str]) -> str | None:
    """The lasting DNS name, in the cloud's network, of the database container with these LABELS."""
    service = labels.get("ministack")
    if service == "rds" and (identifier := labels.get("db_id") or labels.get("cluster_id")):
        return f"{identifier}.rds.internal"
    if service == "elasticache" and (identifier := labels.get("cluster_id") or labels.get("rg_id")):
        shard = labels.get("node_group", "0001")
        return f"{identifier}.cache.internal" if shard == "0001" else f"{identifier}-{shard}.cache.internal"
    return None


def _name_of(docker: Any, address: str) -> str | None:
    """The lasting name of the database container that has ADDRESS now."""
    for container in docker.containers.list(filters={"label": [LABEL, "ministack=rds"]}):
        networks = container.attrs["NetworkSettings"]["Networks"].values()
        if address in {network["IPAddress"] for network in networks}:
            return database_name(container.labels)
    return None
