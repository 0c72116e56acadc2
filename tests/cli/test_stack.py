"""The stack says what is in its way, and stands in nobody's."""

import socket
from pathlib import Path

import pytest

from shared.cli.stack import Plan, Ports, Servers, Stack, StackFailed


def test_every_port_is_another_one() -> None:
    for ports in (Ports.from_base(18080), Ports.free()):
        named = ports.named(embedded=True)
        assert len(set(named.values())) == len(named) == 12


async def test_a_taken_port_is_named_with_what_it_is_for_and_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        ports = Ports.free()
        taken = Ports(
            apis={**ports.apis, "orders": holder.getsockname()[1]},
            workers=ports.workers,
            sandbox=ports.sandbox,
            smtp=ports.smtp,
            broker=ports.broker,
            database=ports.database,
        )
        with pytest.raises(StackFailed, match=r"port \d+ \(orders API\)(.|\n)*--port-base"):
            await Stack(Plan(directory=tmp_path, ports=taken), list[str]().append).start()


async def test_a_directory_that_another_stack_has_is_refused(tmp_path: Path) -> None:
    first = Stack(Plan(directory=tmp_path), list[str]().append)
    first._take_directory()
    with pytest.raises(StackFailed, match="another Orderlink runs on"):
        await Stack(Plan(directory=tmp_path), list[str]().append).start()
    await first.stop()


@pytest.mark.parametrize(
    ("given", "missing"),
    [("KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URL"), ("MONGODB_URL", "KAFKA_BOOTSTRAP_SERVERS")],
)
def test_a_broker_without_a_database_is_half_a_wish(
    given: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(missing, raising=False)
    monkeypatch.setenv(given, "somewhere:1")
    with pytest.raises(StackFailed, match=f"{missing} is not set"):
        Servers.from_environment()


def test_without_either_the_embedded_pair_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.delenv("MONGODB_URL", raising=False)
    assert Servers.from_environment() is None


def test_the_token_of_a_directory_stays(tmp_path: Path) -> None:
    from shared.cli.stack import _kept_token

    token = _kept_token(tmp_path / "token")
    assert _kept_token(tmp_path / "token") == token
    assert (tmp_path / "token").stat().st_mode & 0o077 == 0
