"""Names that the host side and the inside of the cloud must agree on."""

LABEL = "com.indivillage.localcloud"  # on every container, network and volume; its value is the instance's name
SANDBOX = f"{LABEL}.sandbox"  # on containers that hold the network of a task, or are kept ready to
API_PORT = 4566
STATUS_PATH = "/_localcloud/status"
STATE_FOLDER = "/var/lib/localcloud"
