"""The process of a service: wiring, start, signals, drain, and an end with the right exit code.

    python -m services.orders api | worker | all

`api` serves HTTP, `worker` takes batches and serves its probes, `all` does both in one process.
SIGTERM or SIGINT drains: readiness goes off, what was begun is finished, everything is closed, and
the process ends with 0, within `drain_max_seconds`; a second one ends it at once. Whatever escapes
ends it with 1, settings that can't be used with 2, a database that is older than the topics with 3, and
a loop that stands still, or a worker that gets nothing done, with 70.
"""

import argparse
import asyncio
import errno
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, NoReturn

from shared.adapters.best_effort import BestEffort
from shared.adapters.collector import collect_less, keep_looking
from shared.adapters.draining import (
    ALL,
    ANSWERS_SHARE,
    CLEARING_SHARE,
    GROUP_SHARE,
    Drain,
)
from shared.adapters.ending import within
from shared.adapters.http.app import App, Asked, create_app, create_worker_app
from shared.adapters.http.probes import Health
from shared.adapters.http.server import HttpServer, PortTaken
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.logs import failure, logger, set_up_logs
from shared.adapters.motor_store import MotorStore
from shared.adapters.prometheus import PrometheusMetrics
from shared.adapters.restrained import Restrained
from shared.adapters.settings import EXIT_CODE as EXIT_SETTINGS
from shared.adapters.settings import CommonSettings, SettingsWrong, load_settings, stop
from shared.adapters.starting import Starting, last_records
from shared.adapters.tracing import ended, traces_from
from shared.adapters.watchdog import Watchdog
from shared.adapters.wiring import Role, wiring_of
from shared.contracts.access import rights_of
from shared.kernel.calendar import utc_text
from shared.runtime.brake import Braked
from shared.runtime.desk import Desk
from shared.runtime.engine import Engine
from shared.runtime.loops import wait_at_most
from shared.runtime.ports import NotLetIn, PortError, Publisher, Record, Restored, Unavailable, Unreadable
from shared.runtime.restore.guard import check_heard, check_numbers
from shared.runtime.service import Service
from shared.runtime.worker import Worker

EXIT_ESCAPED: Final = 1
EXIT_RESTORED: Final = 3
REACH_MAX_SECONDS: Final = 5.0
BROKER: Final = "the broker and its topics"
NO_OLDER: Final = "the check that the database is no older than the topics"


def main(
    service: Service, settings: type[CommonSettings], card: str, argv: list[str] | None = None
) -> NoReturn:
    """Run a service in the role that the command line names, and end the process with its exit code."""
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{service.name}",
        description=card,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("role", choices=("api", "worker", "all"), help="what this process does")
    role: Role = parser.parse_args(argv).role
    told = load_settings(settings)
    set_up_logs(service.name, role, told.log_level)
    code = run_service(service, told, role, card)
    # Everything is closed. Taking the interpreter apart would cost a drain half a second of CPU.
    logging.shutdown()
    os._exit(code)


def run_service(service: Service, settings: CommonSettings, role: Role, card: str = "") -> int:
    """Run until told to stop; the exit code comes back."""
    program = f"orderlink {service.name} {role}"
    try:
        process = Process(service, settings, role, card)
    except SettingsWrong as wrong:
        stop(wrong, program)
    return asyncio.run(process.run())


class Process:
    """One process of one service: made of its settings, then run once."""

    def __init__(self, service: Service, settings: CommonSettings, role: Role, card: str = "") -> None:
        self.service = service
        self.settings = settings
        self.role = role
        self.card = card
        self.wiring = wiring_of(service, settings, role)
        self.clock, self.profiles = self.wiring.clock, self.wiring.profiles
        self.metrics = PrometheusMetrics(service.name)
        self.traces = traces_from(settings, service.name, role)
        self.health = Health(alive=self._alive, checked=False)
        self.log = logger("orderlink.process")
        self._stop = asyncio.Event()
        self._starting = Starting(self._stop)
        self._drain = Drain(settings.drain_max_seconds)
        self._is_started = False
        self._worker: Worker | None = None
        self._api: App | None = None

    @property
    def _serves_api(self) -> bool:
        return self.role in ("api", "all")

    @property
    def _works(self) -> bool:
        return self.role in ("worker", "all")

    async def run(self) -> int:
        """Start, work until told to stop, drain. The exit code comes back."""
        watchdog = Watchdog(self._alive, self.settings.progress_timeout_seconds)
        watchdog.start()
        self._listen_to_signals()
        try:
            await self._run()
        except PortTaken as problem:
            sys.stderr.write(
                self._port_wrong(problem).block(f"orderlink {self.service.name} {self.role}") + "\n"
            )
            return EXIT_SETTINGS
        except Exception as problem:  # noqa: BLE001  # the end of the process, with its reason in the log
            self._log_end(problem)
            is_older = any(isinstance(leaf, Restored) for leaf in _leaves(problem))
            return EXIT_RESTORED if is_older else EXIT_ESCAPED
        finally:
            watchdog.stop()
        self.log.info("stopped")
        return 0

    async def _run(self) -> None:
        settings, service = self.settings, self.service
        store = MotorStore(self.wiring.database, settings.database, service.listed_by)
        client_id = f"orderlink-{service.name}-{self.role}"
        kafka = KafkaPublisher(self.wiring.broker, client_id=client_id)
        publisher = self._publisher(kafka)
        engine = Engine(
            service, store, publisher, self.clock, self.profiles.of, settings, self.metrics, self.traces
        )
        desk = Desk(engine)
        self.health.checks = {"database": desk.ready}
        self.health.starting = self._waits_for
        servers = self._servers(desk)
        for server in servers:
            await server.start()
        try:
            await self._starting.step("the database and its indexes", store.prepare)
            await self._starting.step("the profiles of orders", lambda: self._all_profiles_loaded(store))
            if not self._works:
                await self._starting.step(BROKER, lambda: self._look_at_topic(store))
            async with asyncio.TaskGroup() as group:
                clearing = group.create_task(
                    engine.relay.keep_clearing(settings.outage_backoff_first_seconds)
                )
                collecting = group.create_task(keep_looking())
                await self._work(engine, store)
                clearing.cancel()
                collecting.cancel()
        finally:
            self.health.draining = True
            await self._drain.closed(ANSWERS_SHARE, *(server.stop for server in servers))
            await self._drain.closed(CLEARING_SHARE, engine.relay.clear)
            await self._drain.closed(ALL, publisher.close, store.close, lambda: ended(self.traces))

    async def _look_at_topic(self, store: MotorStore) -> None:
        """What an API asks of the broker. Where that is away it starts unchecked, since it is to accept.

        Raises `NotLetIn`, `Restored`, and `Unavailable` when the database is away.
        """
        try:
            await self._check_rights()
            last = await self._last_records()
        except NotLetIn:
            raise
        except Unavailable as problem:
            self.log.warning("starts without a look at its topic", reason=str(problem))
            return
        await check_numbers(self.service.name, store, last)

    async def _check_rights(self) -> None:
        # kafka-python takes its time to import, and nothing is served yet.
        from shared.adapters.kafka_rights import check_rights  # noqa: PLC0415

        await check_rights(self.wiring.broker, rights_of(self.service.name))

    async def _last_records(self) -> list[Record]:
        name = self.service.name
        return await last_records(self.wiring.broker, name, f"orderlink-{name}-{self.role}")

    async def _all_profiles_loaded(self, store: MotorStore) -> None:
        """An order goes by the profile under which it was placed: a version that is gone must come back.

        Raises `Unreadable`.
        """
        missing = self.profiles.missing(await store.profiles_held())
        if missing:
            raise Unreadable(
                f"orders in database {self.settings.database} go by profiles that are not loaded: "
                f"{', '.join(missing)}; put their files back into ORDERLINK_PROFILES_DIR"
            )

    def _publisher(self, kafka: Publisher) -> Publisher:
        if self._works:
            return kafka
        return BestEffort(kafka) if self.settings.api_publishes == "on" else Restrained(kafka, ())

    async def _work(self, engine: Engine, store: MotorStore) -> None:
        """Do the role's work until told to stop; what ends by itself before is a failure."""
        if self._stop.is_set():
            return
        if not self._works:
            self.health.checked = True
            collect_less()
            self._is_started = True
            self.log.info("started")
            await self._stop.wait()
            return
        # Faust and kafka-python are slow to import, and an API needs neither.
        from shared.adapters.joining import committed, join_group, partition_count  # noqa: PLC0415

        broker, name = self.wiring.broker, self.service.name
        at = self._starting.step

        async def checked() -> None:
            await check_numbers(name, store, await self._last_records())
            await check_heard(name, store, await committed(broker, name))

        async def counted() -> int:
            await self._check_rights()
            return await partition_count(broker, name)

        partitions = await at(BROKER, counted)
        await at(NO_OLDER, checked)
        if partitions is None or self._stop.is_set():
            return
        self.health.checked = True
        transport = await at(
            "the consumer group", lambda: join_group(broker, name, partitions, self.settings)
        )
        if transport is None:
            return
        leaving = [transport.close]
        try:
            collect_less()
            self._worker = Worker(engine, transport, self.wiring.outsides, partitions, self.log.warning)
            self._is_started = True
            self.metrics.gauge("orderlink_brake_on", 0)
            self.log.info("started", partitions=partitions)
            await self._drain.worked(self._worker.run(self._stop), self._stop)
        except* Braked:
            await self._hold_brake(leaving.pop())
            raise
        finally:
            self.health.draining = True
            await self._drain.closed(GROUP_SHARE, *leaving)

    async def _hold_brake(self, leave: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Leave the group and stand still, so that the metrics are read that say why; then end."""
        self._worker, self.health.draining = None, True
        self.metrics.gauge("orderlink_brake_on", 1)
        seconds = self.settings.brake_hold_seconds
        self.log.error("the brake is on: too much of the stream could not be digested", seconds=seconds)
        with suppress(PortError, TimeoutError):
            await within(self._drain.seconds, leave())
        await wait_at_most(seconds, self._stop)

    # What it waits for at the start

    def _waits_for(self) -> str:
        """What keeps it from taking work; empty when nothing does."""
        if not self._is_started:
            return self._starting.waits_for
        joined = self._worker is None or self._worker.transport.generation() > 0
        return "" if joined else "has not joined its group yet"

    # HTTP

    def _servers(self, desk: Desk) -> list[HttpServer]:
        settings, servers = self.settings, list[HttpServer]()
        testing = settings.test_clock_file is not None
        seconds = settings.drain_max_seconds * ANSWERS_SHARE
        if self._serves_api:
            self._api = create_app(
                self.service,
                desk,
                settings,
                self.wiring.door,
                self.metrics,
                self.health,
                status=self._api_status if testing else None,
                card=self.card,
                inlets=self.wiring.inlets,
                traces=self.traces,
            )
            servers.append(HttpServer(self._api.served, settings.api_host, settings.api_port, seconds))
        if self._works:
            status = self._worker_status if testing else None
            app = create_worker_app(self.service, settings, self.metrics, self.health, status)
            servers.append(HttpServer(app.served, settings.api_host, settings.worker_port, seconds))
        if self.wiring.inlets:
            self.log.info("open inlets", inlets=sorted(self.wiring.inlets))
        self.log.info("listening", ports=[server.port for server in servers])
        return servers

    async def _api_status(self, _asked: Asked) -> dict[str, Any]:
        asking = 1
        return {
            "service": self.service.name,
            "role": self.role,
            "in_flight": 0 if self._api is None else self._api.requests.in_flight - asking,
            "now": utc_text(self.clock.now()),
        }

    async def _worker_status(self, asked: Asked) -> dict[str, Any]:
        if self._worker is None:
            raise Unavailable("still starting")
        if asked.ends is not None:
            await self._worker.reach(asked.ends, REACH_MAX_SECONDS)
        return await self._worker.status(asked.until, asked.light)

    # The process

    def _port_wrong(self, problem: PortTaken) -> SettingsWrong:
        is_api = self._serves_api and problem.port == self.settings.api_port
        name = "ORDERLINK_API_PORT" if is_api else "ORDERLINK_WORKER_PORT"
        if problem.errno != errno.EADDRINUSE:
            name = f"ORDERLINK_API_HOST or {name}"
        return SettingsWrong((name, "a port that is free, at an address of this machine", str(problem)))

    def _alive(self) -> bool:
        return self._worker is None or self._stop.is_set() or self._worker.alive()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self._told_to_stop)

    def _told_to_stop(self) -> None:
        """The first time drain; the second time somebody has no patience left."""
        if self.health.draining:
            os._exit(EXIT_ESCAPED)
        self.health.draining = True
        announced = self.settings.drain_announce_seconds if self._serves_api else 0.0
        self.log.info("draining", announced_seconds=announced)
        asyncio.get_running_loop().call_later(announced, self._end_work)

    def _end_work(self) -> None:
        self._drain.begin()
        self._stop.set()

    def _log_end(self, problem: BaseException) -> None:
        """Say why the process ends: the kinds and places of what escaped, our own errors with their text."""
        for leaf in _leaves(problem):
            # A validation error is a ValueError too, and its text quotes what it was given.
            ours = isinstance(leaf, PortError) or type(leaf) is ValueError
            self.log.error("process ends", reason=str(leaf) if ours else None, **failure(leaf))


def _leaves(problem: BaseException) -> list[BaseException]:
    if isinstance(problem, BaseExceptionGroup):
        return [leaf for inner in problem.exceptions for leaf in _leaves(inner)]
    return [problem]
