"""Images for `make compose` where no registry can be reached: Apache Kafka's own jars, and a database."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.images.engine import ROOT, built_from
from tests.kit.apache import KAFKA_VERSION, POM
from tests.kit.maven import jars

HERE: Final = Path(__file__).parent
KAFKA: Final = f"orderlink-standin-kafka:{KAFKA_VERSION}"
MONGODB: Final = "orderlink-standin-mongodb:local"


def build_stand_ins(base: str, secrets: Mapping[str, Path], network: str | None) -> dict[str, str]:
    """Build both; the image of each service of the compose file. Raises `EngineFailed`, `EmbeddedError`."""
    with TemporaryDirectory() as directory:
        context = Path(directory)
        shutil.copytree(jars(POM, "Apache Kafka"), context / "jars")
        for name in ("kafka-run", "log4j2.yaml", "mongod", "mongosh"):
            shutil.copy(HERE / name, context)
        shutil.copy(ROOT / "requirements" / "embedded.txt", context)
        built_from(HERE / "kafka.Dockerfile", context, KAFKA, {"BASE": base}, {}, network)
        built_from(HERE / "mongodb.Dockerfile", context, MONGODB, {"BASE": base}, secrets, network)
    return {"kafka": KAFKA, "mongodb": MONGODB}
