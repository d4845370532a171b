"""The AWS on one machine: MiniStack with a real load balancer, in one container of our own image.

``localcloud.cloud`` (on the host) brings it up and takes it down. ``localcloud.entry`` is what runs inside the
container; the modules it adds to MiniStack are in ``localcloud.extension``. Nothing here knows of the deployer.
"""
