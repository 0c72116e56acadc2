"""Apache Kafka for tests: one node in KRaft mode, a child process, its jars fetched by Maven.

The node is broker and controller in one, on free ports of the loopback address. What it
acknowledged survives `kill -9` of the process, since the operating system has it.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.adapters.embedded import HOST, EmbeddedError, ServerChild, free_port, kafka_answers
from tests.kit.maven import class_path

POM: Final = Path(__file__).parent / "kafka" / "pom.xml"
KAFKA_VERSION: Final = POM.read_text("utf-8").partition("<kafka.version>")[2].partition("<")[0]
FORMAT_SECONDS: Final = 60.0
HEAP: Final = ("-Xms64m", "-Xmx512m")
QUICK: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""A broker for a test lives for seconds or minutes: starting soon is worth more than running fast."""
_CLUSTER: Final = "b3JkZXJsaW5rLXRlc3RzMQ"


def node_settings(broker: str, advertised: str, controller: str, logs: str) -> dict[str, str]:
    """Kafka's settings of a single node for tests, as a child process and in a container alike.

    One replica of everything, no three seconds of waiting for a group's first members, small
    indexes. The session is that of the node with its own controller, which lets it in again after
    a kill only when the session is over.
    """
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": logs,
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "log.index.size.max.bytes": "262144",
        "num.network.threads": "2",
        "num.io.threads": "4",
    }


async def takes_work(address: str) -> bool:
    """Whether clients can work with this broker: it answers, and its controller lets it have partitions."""
    host, _, port = address.rpartition(":")
    if not await kafka_answers(host, int(port)):
        return False
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=2000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()


class ApacheKafka(ServerChild):
    """One node of Apache Kafka, with its data in a folder."""

    title = "Apache Kafka"
    start_seconds = 60.0

    def __init__(self, directory: Path, port: int | None = None) -> None:
        super().__init__(directory, port)
        self.log = directory / "kafka.log"

    def _command(self) -> list[str]:
        settings, logs = self.directory / "kafka.properties", self.directory / "kafka"
        # The controller's port may be another one at each start: nobody knows it but this node.
        controller = f"{HOST}:{free_port()}"
        told = self._told(controller, logs)
        settings.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
        if not (logs / "meta.properties").exists():
            self._format(settings)
        return [*self._java(*HEAP), "kafka.Kafka", str(settings)]

    def _told(self, controller: str, logs: Path) -> dict[str, str]:
        """Kafka's settings of this node."""
        return node_settings(self.address, self.address, controller, str(logs))

    def _format_options(self) -> list[str]:
        """What its storage is to begin with."""
        return []

    async def _answers(self) -> bool:
        return await takes_work(self.address)

    def _java(self, *options: str) -> list[str]:
        java = shutil.which("java")
        if java is None:
            raise EmbeddedError("Apache Kafka needs java on the PATH: install it")
        logging = ("-Dlog4j2.level=WARN", f"-Dkafka.logs.dir={self.directory}")
        return [java, *options, *QUICK, *logging, "-cp", class_path(POM, self.title)]

    def _format(self, settings: Path) -> None:
        command = [*self._java(), "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(settings)]
        command += self._format_options()
        formatted = subprocess.run(
            command, capture_output=True, text=True, timeout=FORMAT_SECONDS, check=False
        )
        if formatted.returncode:
            raise EmbeddedError(f"Kafka's storage could not be formatted:\n{formatted.stderr[-2000:]}")
