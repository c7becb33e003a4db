"""Find Kafka and Postgres, or start them on this machine from Python packages alone."""

from danbao.servers.addresses import Addresses, Origin
from danbao.servers.errors import ServerCode, ServerError
from danbao.servers.find import Servers, find_servers
from danbao.servers.local import LocalServers, RunningServer

__all__ = [
    "Addresses",
    "LocalServers",
    "Origin",
    "RunningServer",
    "ServerCode",
    "ServerError",
    "Servers",
    "find_servers",
]
