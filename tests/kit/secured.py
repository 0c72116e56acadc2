"""A broker and a database that let in only who comes encrypted and is known: both start from nothing.

The broker has two doors: `address` wants TLS and a SCRAM user, `mutual` wants a certificate of the
client's. Users and rights are Kafka's own; what nobody was allowed is refused.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import kafka.admin
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import PyMongoError

from shared.adapters.database import Database
from shared.adapters.embedded import HOST, EmbeddedDatabase, EmbeddedError, free_port
from shared.adapters.kafka_broker import Broker
from shared.contracts.access import Operation, Right
from tests.kit.apache import ApacheKafka
from tests.kit.certificates import Authority

OPERATOR: Final = "operator"
PASSWORD: Final = "an operator's password"
_SCRAM: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256")
_ADMIN: Final[Any] = kafka.admin  # kafka-python has no types
_LOGIN: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"


class SecuredKafka(ApacheKafka):
    """Apache Kafka with TLS, SCRAM users and rights."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.authority = Authority(directory / "tls")
        self.client = self.authority.sign("member")
        self._server = self.authority.sign("broker", HOST)
        self._mutual_port = free_port()

    @property
    def operator(self) -> Broker:
        """As who may do everything."""
        return self.as_user(OPERATOR, PASSWORD)

    def as_user(self, name: str, password: str) -> Broker:
        """As some user, by TLS."""
        return Broker(self.address, "SASL_SSL", username=name, password=password, ca_file=self.authority.file)

    @property
    def mutual(self) -> Broker:
        """As who has a certificate of this CA, and may do everything."""
        return Broker(
            f"{HOST}:{self._mutual_port}",
            "SSL",
            ca_file=self.authority.file,
            cert_file=self.client.cert,
            key_file=self.client.key,
        )

    def _told(self, controller: str, logs: Path) -> dict[str, str]:
        doors = f"SASL_SSL://{self.address},SSL://{HOST}:{self._mutual_port}"
        login = f'{_LOGIN} required username="{OPERATOR}" password="{PASSWORD}";'
        return {
            **super()._told(controller, logs),
            "listeners": f"{doors},CONTROLLER://{controller}",
            "advertised.listeners": doors,
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "SASL_SSL",
            "sasl.mechanism.inter.broker.protocol": _SCRAM[0],
            "sasl.enabled.mechanisms": ",".join(_SCRAM),
            **{f"listener.name.sasl_ssl.{kind.lower()}.sasl.jaas.config": login for kind in _SCRAM},
            "listener.name.ssl.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._server.both),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.file),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{OPERATOR};User:ANONYMOUS;User:CN=member",
        }

    def _format_options(self) -> list[str]:
        users = (f'{kind}=[name="{OPERATOR}",password="{PASSWORD}"]' for kind in _SCRAM)
        return [option for user in users for option in ("--add-scram", user)]

    def let_in(self, name: str, password: str, rights: Iterable[Right]) -> None:
        """Make a user and give him these rights, while others are at work. Blocks."""
        kind = _ADMIN.ScramMechanism.SCRAM_SHA_512
        admin: Any = _ADMIN.KafkaAdminClient(**self.operator.options())
        try:
            told = [_ADMIN.UserScramCredentialUpsertion(name, kind, password=password)]
            refused = [each for each in admin.alter_user_scram_credentials(told).values() if each]
            allowed = [_allowed(name, right, each) for right in rights for each in right.operations]
            refused += admin.create_acls(allowed)["failed"]
        finally:
            admin.close()
        if refused:
            raise EmbeddedError(f"the user {name} could not be made: {refused}")

    async def _answers(self) -> bool:
        if await self.operator.why_not() is not None:
            return False
        admin: Any = AIOKafkaAdminClient(**self.operator.options(), request_timeout_ms=2000)
        try:
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"])
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()


def _allowed(name: str, right: Right, operation: Operation) -> Any:
    """One right as Kafka's own."""
    kafkas = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper()
    return _ADMIN.ACL(
        principal=f"User:{name}",
        host="*",
        operation=_ADMIN.ACLOperation[kafkas],
        permission_type=_ADMIN.ACLPermissionType.ALLOW,
        resource_pattern=_ADMIN.ResourcePattern(_ADMIN.ResourceType[right.resource.upper()], right.name),
    )


class SecuredDatabase(EmbeddedDatabase):
    """The embedded database with TLS, and a user without whom nothing can be seen."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.authority = Authority(directory / "tls", "The database's CA")
        self._server = self.authority.sign("database", HOST)
        self._has_users = False

    @property
    def operator(self) -> Database:
        """As who may do everything."""
        return Database(self.url, OPERATOR, PASSWORD, is_encrypted=True, ca_file=self.authority.file)

    async def start(self) -> None:
        """Start it open, make the user, and start it again closed."""
        await super().start()
        if not self._has_users:
            await self._make(OPERATOR, PASSWORD, "root", replace(self.operator, username=None))
            self._has_users = True
            await self.restart()

    async def let_in(self, name: str, password: str) -> None:
        """Make a user who may read and write, while others are at work."""
        await self._make(name, password, "readWriteAnyDatabase", self.operator)

    async def _make(self, name: str, password: str, role: str, known: Database) -> None:
        client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(self.url, **known.options())
        await client.admin.command("createUser", name, pwd=password, roles=[role])
        client.close()

    def _command(self) -> list[str]:
        tls = ("--tls-cert-file", str(self._server.cert), "--tls-key-file", str(self._server.key))
        return [*super()._command(), *tls, *(("--auth",) if self._has_users else ())]

    async def _answers(self) -> bool:
        told = self.operator if self._has_users else replace(self.operator, username=None)
        client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
            self.url, **told.options(), serverSelectionTimeoutMS=1000
        )
        try:
            await client.admin.command("ping")
        except PyMongoError:
            return False
        else:
            return True
        finally:
            client.close()
