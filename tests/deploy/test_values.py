"""Values that can't be are refused with their name and what to do, before anything is installed."""

import json
from pathlib import Path

import pytest
import yaml

from tests.deploy.rendering import CHART, EVERYTHING, MUST, named, of_kind, rendered
from tests.kit.helm import HelmFailed

NOTHING = (
    "kafka.bootstrapServers: expected host:port of your brokers, got nothing",
    "mongodb.url: expected mongodb://host:27017/?replicaSet=rs0 without a password",
    "services.aftersales.config.ORDERLINK_PAYMENTS_URL: expected the address of your payment provider",
)


def refusal(*sets: str) -> str:
    with pytest.raises(HelmFailed) as refused:
        rendered(MUST, sets=sets)
    return str(refused.value)


def test_all_that_must_be_said_is_asked_for_at_once() -> None:
    with pytest.raises(HelmFailed) as refused:
        rendered()
    assert all(line in str(refused.value) for line in NOTHING)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('config={"ORDERLINK_PAGESIZE": 20}', "ORDERLINK_PAGESIZE"),
        ('config={"ORDERLINK_PAGE_SIZE": 0}', "ORDERLINK_PAGE_SIZE"),
        ('config={"ORDERLINK_LOG_LEVEL": "loud"}', "'debug', 'info', 'warning', 'error'"),
        ('config={"ORDERLINK_TOKENS": "{}"}', "ORDERLINK_TOKENS"),
        (
            'services.orders.config={"ORDERLINK_PAYMENTS_URL": "https://pay.example"}',
            "ORDERLINK_PAYMENTS_URL",
        ),
        ('services.orders.secrets={"ORDERLINK_SMTP_URL": {}}', "ORDERLINK_SMTP_URL"),
        ('secrets={"MONGODB_URL": {"value": "mongodb://me:secret@there"}}', "value"),
        ("kafka.partitions=12", "/kafka/partitions"),
        ('kafka.bootstrapServer="kafka:9092"', "bootstrapServer"),
        ('mongodb.url="mongodb://me:secret@there"', "/mongodb/url"),
        ('image.tag="latest"', "/image/tag"),
        ('monitoring.prometheusRule.runbookUrl="docs/runbook.md"', "/monitoring/prometheusRule/runbookUrl"),
        ("worker.autoscaling.minReplicas=0", "/worker/autoscaling/minReplicas"),
        ('worker.resources={"limits": {"gpu": 1}}', "gpu"),
        ('services.shipping={"enabled": true}', "shipping"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_name(value: str, expected: str) -> None:
    assert expected in refusal(value)


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (
            ("worker.replicas=17",),
            "worker.replicas of orders: expected at most kafka.partitions (16), got 17",
        ),
        (
            ('worker.autoscaling={"enabled": true, "maxReplicas": 32}',),
            "worker.autoscaling.maxReplicas of orders: expected at most kafka.partitions (16), got 32",
        ),
        (("expose.ingress.enabled=true",), "expose.domain: expected"),
        (
            ("expose.ingress.enabled=true", 'expose.domain="a.example"'),
            "networkPolicy.apiFrom: expected the namespace of your ingress controller",
        ),
        (
            ("monitoring.serviceMonitor.enabled=true",),
            "networkPolicy.scrapeFrom: expected where Prometheus runs",
        ),
        (("strimzi.topics.enabled=true", 'strimzi.cluster="events"'), "topics.mode: expected check or none"),
        (("strimzi.users.enabled=true", 'strimzi.cluster="events"'), "kafka.sasl.enabled: expected true"),
        (
            ("strimzi.users.enabled=true", 'strimzi.cluster="events"', "kafka.sasl.enabled=true"),
            "or topics.kafkaUser who may make topics, got make",
        ),
        (("administrators.enabled=true",), "administrators.enabled: expected strimzi.users or mongodb.users"),
        (("mongodb.users.enabled=true",), "mongodb.auth.enabled: expected true"),
        (("externalSecrets.enabled=true",), "externalSecrets.storeName: expected"),
        (("kafka.tls.clientCertificates.enabled=true",), "kafka.tls.enabled: expected true"),
        (
            ("kafka.sasl.enabled=true", 'kafka.sasl.mechanism="PLAIN"'),
            "kafka.tls.enabled: expected true, since PLAIN",
        ),
    ],
)
def test_values_that_do_not_go_together_are_refused_with_what_to_do(
    sets: tuple[str, ...], expected: str
) -> None:
    assert expected in refusal(*sets)


def test_numbers_and_switches_reach_the_process_as_it_reads_them() -> None:
    settings = named(rendered(MUST, EVERYTHING), "ConfigMap", "orderlink-orders")["data"]
    assert settings["ORDERLINK_BODY_MAX_BYTES"] == "1048576"
    assert settings["ORDERLINK_AUTH"] == "on"
    assert settings["ORDERLINK_DRAIN_MAX_SECONDS"] == "30.5"
    assert settings["ORDERLINK_LOG_LEVEL"] == "info"


@pytest.mark.parametrize(
    ("tls", "sasl", "protocol"),
    [
        (False, False, None),
        (True, False, "SSL"),
        (False, True, "SASL_PLAINTEXT"),
        (True, True, "SASL_SSL"),
    ],
)
def test_tls_and_user_make_the_protocol(tls: bool, sasl: bool, protocol: str | None) -> None:
    sets = (f"kafka.tls.enabled={str(tls).lower()}", f"kafka.sasl.enabled={str(sasl).lower()}")
    settings = named(rendered(MUST, sets=sets), "ConfigMap", "orderlink-orders")["data"]
    assert settings.get("KAFKA_SECURITY_PROTOCOL") == protocol


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("http://collector4:4318", 4318),
        ("http://collector4", 80),
        ("https://traces.example/otlp", 443),
    ],
)
def test_traces_have_a_way_out_to_their_collector(endpoint: str, port: int) -> None:
    manifests = rendered(MUST, sets=(f'monitoring.traces.endpoint="{endpoint}"',))
    settings = named(manifests, "ConfigMap", "orderlink-orders")["data"]
    assert settings["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint
    assert settings["OTEL_TRACES_SAMPLER_ARG"] == "0.1"
    for role in ("api", "worker"):
        name = f"orderlink-orders-{role}"
        ways = named(manifests, "NetworkPolicy", name)["spec"]["egress"]
        assert {"ports": [{"protocol": "TCP", "port": port}]} in ways
        assert len(named(rendered(MUST), "NetworkPolicy", name)["spec"]["egress"]) == len(ways) - 1


def test_dashboards_come_as_they_are_made() -> None:
    told = named(rendered(MUST, EVERYTHING), "ConfigMap", "orderlink-dashboards")
    made = {path.name: path.read_text("utf-8") for path in (CHART / "files" / "dashboards").iterdir()}
    assert {name: json.loads(text) for name, text in told["data"].items()} == {
        name: json.loads(text) for name, text in made.items()
    }
    assert told["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_a_secret_reaches_only_the_process_that_needs_it() -> None:
    found = {
        each["metadata"]["name"]: {
            env["name"]: env["valueFrom"]["secretKeyRef"]
            for env in each["spec"]["template"]["spec"]["containers"][0].get("env", ())
        }
        for each in of_kind(rendered(MUST), "Deployment")
    }
    assert found["orderlink-notifications-worker"] == {
        "ORDERLINK_SMTP_URL": {"name": "orderlink-notifications-secrets", "key": "ORDERLINK_SMTP_URL"}
    }
    assert found["orderlink-orders-worker"] == {}
    assert found["orderlink-orders-api"]["ORDERLINK_TOKENS"] == {
        "name": "orderlink-orders-secrets",
        "key": "ORDERLINK_TOKENS",
        "optional": True,
    }


def test_every_size_says_only_what_the_values_know_and_for_whom_it_is() -> None:
    known = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    for path in sorted(CHART.glob("values-*.yaml")):
        text = path.read_text("utf-8")
        assert text.startswith("# ")
        assert "orders a month" in text.splitlines()[0]
        assert yaml.safe_load(text).keys() <= known.keys()
    assert {path.name for path in CHART.glob("values-*.yaml")} == {
        f"values-{size}.yaml" for size in ("small", "medium", "large")
    }
    assert MUST.parent == Path(__file__).parent / "values"
