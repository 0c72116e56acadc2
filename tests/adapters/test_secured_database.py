"""The store on a database that wants TLS and a user, and what it says when it is not let in."""

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.database import Database
from shared.adapters.motor_store import MotorStore
from shared.contracts.catalog import SERVICES
from shared.runtime.ports import Committed, PortError, Unavailable, Write
from tests.deploy.rendering import EVERYTHING, MUST, named, rendered
from tests.http.kit import placed
from tests.kit.certificates import Authority
from tests.kit.secured import PASSWORD, SecuredDatabase
from tests.settings.test_process import client_of, ready, running

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredDatabase]:
    """One for all tests here; the embedded one, whatever others run on, since its users are ours."""
    database = SecuredDatabase(tmp_path_factory.mktemp("secured"))
    with asyncio.Runner() as runner:
        runner.run(database.start())
        yield database
        runner.run(database.stop())


async def test_files_are_written_and_read_over_it(database: SecuredDatabase) -> None:
    store = MotorStore(database.operator, "secured_orders")
    await store.prepare()
    assert await store.commit([Write({"_id": "A-1", "version": 1}, 0)]) == [Committed.DONE]
    assert list(await store.load(["A-1"])) == ["A-1"]
    await store.close()


REFUSED: Mapping[str, tuple[Callable[[Database, Authority], Database], type[PortError], str]] = {
    "a wrong password": (
        lambda known, _: replace(known, password="another"),
        Unavailable,
        r"does not let the user in.*\(MONGODB_USERNAME, MONGODB_PASSWORD",
    ),
    "a user who is not there": (
        lambda known, _: replace(known, username="nobody"),
        Unavailable,
        r"does not let the user in.*\(MONGODB_USERNAME, MONGODB_PASSWORD",
    ),
    "no user": (
        lambda known, _: replace(known, username=None, password=None),
        PortError,
        r"wants a user with the role readWrite.*MONGODB_USERNAME",
    ),
    "another CA": (
        lambda known, other: replace(known, ca_file=other.file),
        Unavailable,
        r"certificate that is not to be trusted: .*\(MONGODB_TLS_CA_FILE\)",
    ),
    "the system's CAs": (
        lambda known, _: replace(known, ca_file=None),
        Unavailable,
        r"certificate that is not to be trusted: .*\(MONGODB_TLS_CA_FILE\)",
    ),
    "no TLS": (
        lambda known, _: replace(known, is_encrypted=False, ca_file=None),
        Unavailable,
        r"ends connections .* wants TLS \(MONGODB_TLS\)",
    ),
}


@pytest.mark.parametrize(("way", "kind", "reason"), REFUSED.values(), ids=REFUSED)
async def test_who_is_not_let_in_is_told_why(
    database: SecuredDatabase,
    way: Callable[[Database, Authority], Database],
    kind: type[PortError],
    reason: str,
    tmp_path: Path,
) -> None:
    where = way(database.operator, Authority(tmp_path))
    store = MotorStore(where, "secured_orders", operation_seconds=2.0, selection_seconds=0.5)
    try:
        with pytest.raises(kind, match=reason) as problem:
            await store.prepare()
    finally:
        await store.close()
    assert PASSWORD not in str(problem.value)


@pytest.mark.processes
async def test_a_service_waits_unready_until_it_is_let_in(database: SecuredDatabase) -> None:
    told = {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "MONGODB_URL": database.url,
        "MONGODB_TLS": "on",
        "MONGODB_TLS_CA_FILE": str(database.authority.file),
        "MONGODB_USERNAME": "late",
        "MONGODB_PASSWORD": "the password of late",
    }
    async with running("orders", "api", **told) as it:
        (port,) = await it.ports()
        waiting = await it.until(lambda: it.event("waiting for what is away"))
        assert waiting["what"] == "the database and its indexes"
        assert "does not let the user in" in waiting["reason"]
        async with client_of(port) as client:
            assert (await client.get("/readyz")).status_code == 503
            await database.let_in("late", "the password of late")
            await ready(it, client)
            assert (
                await client.post("/facts", json=placed(at=SystemClock().now().isoformat()))
            ).status_code == 202
        assert "the password of late" not in "".join(it.lines)


async def test_the_users_that_the_chart_makes_come_into_their_own_databases_and_no_other(
    database: SecuredDatabase, tmp_path: Path
) -> None:
    if shutil.which("mongosh") is None:
        pytest.skip("mongosh is not installed: npm install --global mongosh")
    told = database.operator
    manifests = rendered(MUST, EVERYTHING)
    (job,) = named(manifests, "Job", "orderlink-mongodb-users")["spec"]["template"]["spec"]["containers"]
    asked = {each["name"]: each.get("value", "") for each in job["env"]}
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "USERS": asked["USERS"],
        "ADMIN_URL": (
            f"mongodb://{told.username}:{quote(str(told.password))}@{database.address}/"
            f"?directConnection=true&tls=true&tlsCAFile={told.ca_file}"
        ),
        **{name: f"of {name}" for name in asked if name.startswith("PASSWORD_")},
    }
    users = json.loads(asked["USERS"])
    assert {each["name"] for each in users} == {*SERVICES, "administrators"}
    for how in ("made", "renewed"):
        ran = await asyncio.create_subprocess_exec(
            *job["command"], *job["args"], env=environment, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await ran.communicate()
        assert ran.returncode == 0
        assert said.decode().count(f": {how}, readWrite on ") == len(users)
    reached = {each["name"]: set(each["databases"]) for each in users}
    every = reached.pop("administrators")
    assert sorted(map(len, (*reached.values(), every, set().union(*reached.values())))) == [1, 1, 1, 1, 4, 4]
    for each in users:
        where = replace(told, username=each["user"], password=f"of PASSWORD_{each['name'].upper()}")
        for name in sorted(every):
            store = MotorStore(where, name)
            if name in each["databases"]:
                await store.prepare()
            else:
                with pytest.raises(PortError, match="wants a user with the role readWrite"):
                    await store.prepare()
            await store.close()
