"""Where broker and database are, how a connection is protected, and who connects."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from shared.adapters.setting_values import CONFIG, ReadableFile, Servers, with_scheme

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


class KafkaSettings(BaseSettings):
    """What every client of the broker is told."""

    model_config = CONFIG

    kafka_bootstrap_servers: Servers = Field(
        default="127.0.0.1:9092", validation_alias="KAFKA_BOOTSTRAP_SERVERS"
    )
    """Where the broker is: host:port, several separated by commas."""
    kafka_security_protocol: SecurityProtocol = Field(
        default="PLAINTEXT", validation_alias="KAFKA_SECURITY_PROTOCOL"
    )
    """How connections to the broker are protected: `SSL` is TLS, `SASL_SSL` TLS and a user.
    `SASL_PLAINTEXT`, a user without TLS, is for networks that encrypt by themselves."""
    kafka_sasl_mechanism: SaslMechanism = Field(
        default="SCRAM-SHA-512", validation_alias="KAFKA_SASL_MECHANISM"
    )
    """How the user shows his password. `PLAIN` sends it, so it needs `SASL_SSL`."""
    kafka_sasl_username: str | None = Field(default=None, validation_alias="KAFKA_SASL_USERNAME")
    """The broker's user; required with `SASL_SSL` and `SASL_PLAINTEXT`."""
    kafka_sasl_password: SecretStr | None = Field(default=None, validation_alias="KAFKA_SASL_PASSWORD")
    """His password."""
    kafka_sasl_password_file: ReadableFile | None = Field(
        default=None, validation_alias="KAFKA_SASL_PASSWORD_FILE"
    )
    """The same in a file; a line break at its end does not count."""
    kafka_tls_ca_file: ReadableFile | None = Field(default=None, validation_alias="KAFKA_TLS_CA_FILE")
    """Who may have signed the broker's certificate, as PEM; without it, whom the system trusts."""
    kafka_tls_cert_file: ReadableFile | None = Field(default=None, validation_alias="KAFKA_TLS_CERT_FILE")
    """Our own certificate for brokers that demand one, as PEM, with those between it and its CA."""
    kafka_tls_key_file: ReadableFile | None = Field(default=None, validation_alias="KAFKA_TLS_KEY_FILE")
    """The key of that certificate, as PEM, without a passphrase."""


class MongoSettings(BaseSettings):
    """What every client of the database is told."""

    model_config = CONFIG

    mongodb_url: Annotated[SecretStr, with_scheme("mongodb", "mongodb+srv")] = Field(
        default=SecretStr("mongodb://127.0.0.1:27017/?directConnection=true"),
        validation_alias="MONGODB_URL",
    )
    """Where the database is. Never shown in logs or errors."""
    mongodb_username: str | None = Field(default=None, validation_alias="MONGODB_USERNAME")
    """The database's user, unless `MONGODB_URL` names him. `?authSource=` there says where he is kept,
    if not in `admin`."""
    mongodb_password: SecretStr | None = Field(default=None, validation_alias="MONGODB_PASSWORD")
    """His password."""
    mongodb_password_file: ReadableFile | None = Field(default=None, validation_alias="MONGODB_PASSWORD_FILE")
    """The same in a file; a line break at its end does not count."""
    mongodb_tls: Literal["on", "off"] = Field(default="off", validation_alias="MONGODB_TLS")
    """`on`: connections to the database are encrypted, also where `MONGODB_URL` does not say `tls=true`."""
    mongodb_tls_ca_file: ReadableFile | None = Field(default=None, validation_alias="MONGODB_TLS_CA_FILE")
    """Who may have signed the database's certificate, as PEM; without it, whom the system trusts."""
    mongodb_tls_cert_key_file: ReadableFile | None = Field(
        default=None, validation_alias="MONGODB_TLS_CERT_KEY_FILE"
    )
    """Our own certificate and its key in one PEM file, for databases that demand one."""
    mongodb_database_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,40}$")] = "orderlink_"
    """Each service keeps its files in the database of this prefix and its own name."""
