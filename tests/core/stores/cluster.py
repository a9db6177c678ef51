"""A cluster of Valkey servers on loopback."""

from __future__ import annotations

import time
from pathlib import Path

from redis.cluster import RedisCluster
from tests.valkey import PATIENCE, Valkey


class Cluster:
    """A cluster of three nodes."""

    def __init__(self, folder: Path) -> None:
        self.nodes = []
        for number in range(3):
            home = folder / str(number)
            home.mkdir()
            self.nodes.append(Valkey(home, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"))

    def start(self):
        """Start the nodes; return when all three report the cluster complete."""
        for node in self.nodes:
            node.start()
        clients = [node.client() for node in self.nodes]
        for number, client in enumerate(clients):
            begin, end = 5461 * number, 16_383 if number == 2 else 5461 * (number + 1) - 1
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", begin, end)
        for node in self.nodes[1:]:
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", node.port)
        give_up = time.monotonic() + PATIENCE
        while any(
            _field(client, "cluster_state") != "ok" or _field(client, "cluster_known_nodes") != "3"
            for client in clients
        ):
            assert time.monotonic() < give_up, "the cluster did not become complete"
            time.sleep(0.05)
        for client in clients:
            client.close()

    def stop(self):
        """Stop all nodes."""
        for node in self.nodes:
            node.stop()

    def connect(self):
        """Return a client of the cluster."""
        return RedisCluster(host="127.0.0.1", port=self.nodes[0].port)

    def held(self):
        """Return how many keys each node holds."""
        sizes = []
        for node in self.nodes:
            with node.client() as client:
                sizes.append(client.dbsize())
        return sizes


def _field(client, name):
    info = client.execute_command("CLUSTER", "INFO")
    if isinstance(info, bytes):
        info = dict(line.split(":") for line in info.decode().split())
    return info[name]
