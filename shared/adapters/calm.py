"""A broker that is away is complained of by its driver many times a second. Here it is said now and then."""

import logging
from typing import Final

EVERY_SECONDS: Final = 10.0
REMEMBERED_MAX: Final = 200
"""Complaints that are told apart; a driver may put what varies into them."""
_TALKATIVE: Final = (
    "aiokafka",
    "aiokafka.conn",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
    "aiokafka.producer.producer",
)


class _NowAndThen(logging.Filter):
    """Lets each complaint through once in so many seconds, whatever it is about this time."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it has not been said lately."""
        if record.levelno < logging.WARNING:
            return True
        said = self._said.get(str(record.msg))
        if said is not None and record.created - said < EVERY_SECONDS:
            return False
        if len(self._said) >= REMEMBERED_MAX:
            self._said.clear()
        self._said[str(record.msg)] = record.created
        return True


def calm_the_driver() -> None:
    """Have the Kafka driver's complaints said now and then. Doing it again changes nothing."""
    for name in _TALKATIVE:
        talkative = logging.getLogger(name)
        if not any(isinstance(each, _NowAndThen) for each in talkative.filters):
            talkative.addFilter(_NowAndThen())
