"""Names that the host side and the inside of the cloud must agree on."""

LABEL = "com.indivillage.localcloud"  # on every container, network and volume; its value is the instance's name
API_PORT = 4566
STATUS_PATH = "/_localcloud/status"
STATE_FOLDER = "/var/lib/localcloud"
