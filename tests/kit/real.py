"""`make test-real`: the tests of the real parts, on the most real parts that can be had here.

    python -m tests.kit.real [--broker KIND] [--database KIND] [pytest arguments]

Without a kind: an address that the environment names, else Apache Kafka by Maven, else containers;
for the database an address, else a container, else the embedded server. Where there is nothing but
the embedded broker it says so in a line and ends well, since `make test` runs on that one.
"""

import argparse
import os
import subprocess
import sys
import time
from typing import Final

from shared.adapters.embedded import EmbeddedError
from tests.kit.apache import POM, ApacheKafka
from tests.kit.containers import engine_answers
from tests.kit.maven import jars, what_is_missing
from tests.kit.parts import BROKER_ADDRESS, BROKERS, DATABASE_ADDRESS, DATABASES, Kinds

SELECTED: Final = ("-m", "real", "--ignore", "tests/adapters/test_embedded.py", "--timeout", "300")
"""Whatever takes a real part, but for what is about the embedded pair itself."""
NOTHING: Final = f"no java with mvn, no Docker engine, and {BROKER_ADDRESS} is not set"


def chosen(broker: str | None, database: str | None) -> Kinds | None:
    """The kinds to test on; None where no broker but the embedded one can be had."""
    engine = engine_answers()
    if broker is None:
        if os.environ.get(BROKER_ADDRESS):
            broker = "address"
        elif not what_is_missing():
            broker = "apache"
        elif engine:
            broker = "containers"
        else:
            return None
    if database is None:
        given = bool(os.environ.get(DATABASE_ADDRESS))
        database = "address" if given else "containers" if engine else "embedded"
    return Kinds(broker, database)


def prepared(kinds: Kinds) -> None:
    """Say what the tests run on, and fetch what that needs. Raises `EmbeddedError`."""
    sys.stdout.write(f"test-real: broker {kinds.broker}, database {kinds.database}\n")
    if kinds.broker == "apache":
        sys.stdout.write("Apache Kafka's jars: the first time, Maven fetches them (about 45 MB)\n")
        sys.stdout.flush()
        began = time.monotonic()
        sys.stdout.write(f"jars in {jars(POM, ApacheKafka.title)} after {time.monotonic() - began:.0f} s\n")
    sys.stdout.flush()


def main() -> int:
    """Choose, fetch what is needed, and run pytest."""
    parser = argparse.ArgumentParser(prog="make test-real", description="Tests on real parts.")
    parser.add_argument("--broker", choices=(*BROKERS, "address"))
    parser.add_argument("--database", choices=(*DATABASES, "address"))
    told, rest = parser.parse_known_args()
    kinds = chosen(told.broker, told.database)
    reason = NOTHING if kinds is None else kinds.cannot_be_had()
    if kinds is None or reason:
        sys.stdout.write(f"test-real skipped: {reason}. `make test` runs the same tests on embedded parts.\n")
        return 0
    try:
        prepared(kinds)
    except EmbeddedError as problem:
        sys.stderr.write(f"test-real: {problem}\n")
        return 1
    options = ("--broker", kinds.broker, "--database", kinds.database, *SELECTED)
    return subprocess.call([sys.executable, "-m", "pytest", *options, *rest])


if __name__ == "__main__":
    sys.exit(main())
