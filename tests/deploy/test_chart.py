"""The chart renders to objects that Kubernetes and its extensions accept, and says what the code says."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.adapters.kafka_admin import topic_configuration
from shared.cli import chart
from shared.contracts.access import Right, rights_of, rights_of_administrators, rights_of_operators
from shared.contracts.catalog import HEARS, SERVICES, TOPICS, consumer_group
from tests.deploy.rendering import (
    CHART,
    EVERYTHING,
    MINORS,
    MUST,
    Manifest,
    containers,
    named,
    needs_helm,
    of_kind,
    rendered,
    values_files,
    wrong_with,
)
from tests.http.town import Town
from tests.kit.helm import helm


@pytest.mark.parametrize("values", values_files())
@pytest.mark.parametrize("minor", MINORS)
def test_every_object_is_what_its_schema_wants(values: str, minor: str) -> None:
    manifests = rendered(*values_files()[values])
    assert [line for each in manifests for line in wrong_with(each, minor)] == []


def test_everything_renders_every_kind_of_which_a_schema_is_kept() -> None:
    kept = {path.stem for path in (Path(__file__).parent / "crds").glob("*.json")}
    kinds = {(each["apiVersion"], each["kind"]) for each in rendered(MUST, EVERYTHING)}
    assert kept <= {f"{version.replace('/', '_')}_{kind.lower()}" for version, kind in kinds}
    assert {kind for _, kind in kinds} >= {"Ingress", "HTTPRoute", "HorizontalPodAutoscaler", "Job"}


@pytest.mark.parametrize(
    ("kind", "path", "value", "expected"),
    [
        ("Deployment", ("spec", "replica"), 3, "replica"),
        ("Deployment", ("spec", "template", "spec", "containers", 0, "port"), 1, "port"),
        ("NetworkPolicy", ("spec", "policyTypes"), "Egress", "is not of type 'array'"),
        ("ScaledObject", ("spec", "maxReplicas"), 3, "maxReplicas"),
        ("KafkaUser", ("spec", "authentication", "type"), "password", "is not one of"),
        ("KafkaTopic", ("spec", "partition"), 16, "partition"),
        ("HTTPRoute", ("spec", "hostname"), "here.example", "hostname"),
        ("ServiceMonitor", ("spec", "endpoints", 0, "honorLabel"), True, "honorLabel"),
        ("PrometheusRule", ("spec", "groups", 0, "rules", 0, "expression"), "up", "expression"),
        ("ExternalSecret", ("spec", "secretStoreRef", "kind"), "Vault", "is not one of"),
        ("TriggerAuthentication", ("spec", "secretTargetRefs"), [], "secretTargetRefs"),
    ],
)
def test_a_wrong_field_is_seen(kind: str, path: tuple[str | int, ...], value: Any, expected: str) -> None:
    manifest = deepcopy(of_kind(rendered(MUST, EVERYTHING), kind)[0])
    place: Any = manifest
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert any(expected in line for minor in MINORS for line in wrong_with(manifest, minor))


@pytest.mark.parametrize("values", values_files())
def test_helms_own_lint_has_no_objection(values: str) -> None:
    needs_helm()
    told = [part for path in values_files()[values] for part in ("--values", str(path))]
    assert "0 chart(s) failed" in helm("lint", str(CHART), "--strict", *told)


def test_the_made_parts_are_those_of_the_code(tmp_path: Path) -> None:
    assert chart.stale(CHART) == []
    for path in (chart.CATALOG, chart.SCHEMA):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text((CHART / path).read_text("utf-8"), "utf-8")
    schema = json.loads((tmp_path / chart.SCHEMA).read_text("utf-8"))
    del schema["$defs"]["made:config"]["properties"]["ORDERLINK_PAGE_SIZE"]
    (tmp_path / chart.SCHEMA).write_text(json.dumps(schema, indent=2) + "\n", "utf-8")
    (tmp_path / chart.CATALOG).unlink()
    assert chart.stale(tmp_path) == ["files/catalog.yaml: missing", "values.schema.json: differs"]


def test_the_chart_is_of_the_version_that_it_installs() -> None:
    said = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    project = (CHART.parents[1] / "pyproject.toml").read_text("utf-8")
    assert f'version = "{said["appVersion"]}"' in project


def test_topics_for_strimzi_are_those_that_we_would_make() -> None:
    manifests = of_kind(rendered(MUST, EVERYTHING), "KafkaTopic")
    assert {each["metadata"]["name"] for each in manifests} == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        (told,) = (each for each in manifests if each["metadata"]["name"] == topic.name)
        assert told["apiVersion"] == "kafka.strimzi.io/v1"
        assert told["spec"]["partitions"] == (16 if topic.co_partitioned else 1)
        assert told["spec"]["replicas"] == 3
        assert told["spec"]["config"] == topic_configuration(topic, 3)
        assert told["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def rights_in(user: Manifest) -> set[tuple[str, str, str]]:
    found = set[tuple[str, str, str]]()
    for acl in user["spec"]["authorization"]["acls"]:
        resource = acl["resource"]
        assert resource["patternType"] == "literal"
        found |= {(resource["type"], resource["name"], operation) for operation in acl["operations"]}
    return found


def flat(rights: tuple[Right, ...]) -> set[tuple[str, str, str]]:
    return {(right.resource, right.name, operation) for right in rights for operation in right.operations}


def test_users_for_strimzi_have_the_rights_of_the_catalogue_and_no_others() -> None:
    manifests = rendered(MUST, EVERYTHING)
    users = {"orders": "orderlink-orders", "logistics": "parcels"}
    for service in SERVICES:
        user = named(manifests, "KafkaUser", users.get(service, f"orderlink-{service}"))
        assert rights_in(user) == flat(rights_of(service))
    assert rights_in(named(manifests, "KafkaUser", "orderlink-operators")) == flat(rights_of_operators())
    administrators = named(manifests, "KafkaUser", "orderlink-administrators")
    assert rights_in(administrators) == flat(rights_of_administrators())
    assert len(of_kind(manifests, "KafkaUser")) == len(SERVICES) + 2
    without = rendered(MUST, EVERYTHING, sets=("administrators.enabled=false",))
    assert not [each for each in without if "orderlink-administrators" in json.dumps(each)]


def test_workers_scale_by_the_lag_of_every_topic_that_they_hear() -> None:
    manifests = rendered(MUST, EVERYTHING)
    for service in SERVICES:
        triggers = named(manifests, "ScaledObject", f"orderlink-{service}-worker")["spec"]["triggers"]
        told = [(each["metadata"]["consumerGroup"], each["metadata"]["topic"]) for each in triggers]
        assert told == [(consumer_group(service), topic) for topic in HEARS[service]]


def test_what_is_exposed_is_the_api_without_probes_and_metrics() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    for name, house in Town().houses.items():
        paths: set[str] = set()
        closed: set[str] = set()
        for path, verbs in house.api.openapi()["paths"].items():
            of_operations = any("operations" in verb["tags"] for verb in verbs.values())
            (closed if of_operations else paths).add("/" + path.split("/")[1])
        assert values["services"][name]["paths"] == sorted(paths)
        # `/orders/{id}/why` is for operations too, and lies below what is open.
        assert closed - paths == {"/healthz", "/livez", "/readyz", "/metrics", "/version"}


def test_alerts_and_what_is_scraped_keep_the_names_that_our_metrics_say() -> None:
    manifests = rendered(MUST, EVERYTHING)
    rule = named(manifests, "PrometheusRule", "orderlink")
    assert rule["spec"] == yaml.safe_load((CHART / "files" / "alerts.yaml").read_text("utf-8"))
    monitor = named(manifests, "ServiceMonitor", "orderlink")["spec"]
    (endpoint,) = monitor["endpoints"]
    assert endpoint["honorLabels"] is True
    services = of_kind(manifests, "Service")
    wanted = monitor["selector"]["matchLabels"].items()
    assert all(wanted <= each["metadata"]["labels"].items() for each in services)
    assert {port["name"] for each in services for port in each["spec"]["ports"]} == {endpoint["port"]}


def test_alerts_lead_to_the_runbook_where_that_is_served() -> None:
    base = "https://wiki.example/orderlink/runbook?version=1"
    on = ("monitoring.prometheusRule.enabled=true", f'monitoring.prometheusRule.runbookUrl="{base}"')
    rule = named(rendered(MUST, sets=on), "PrometheusRule", "orderlink")
    alerts = [each for group in rule["spec"]["groups"] for each in group["rules"] if "alert" in each]
    assert alerts
    for alert in alerts:
        assert alert["annotations"]["runbook_url"] == f"{base}#{alert['alert'].lower()}"


def test_what_deployments_are_to_carry_they_carry_and_their_pods_do_not() -> None:
    reload = {"reloader.stakater.com/auto": "true"}
    manifests = rendered(MUST, sets=(f"deploymentAnnotations={json.dumps(reload)}",))
    deployments = of_kind(manifests, "Deployment")
    assert [each["metadata"]["annotations"] for each in deployments] == [reload] * 8
    for each in deployments:
        assert not reload.items() <= each["spec"]["template"]["metadata"]["annotations"].items()


def test_hooks_need_nothing_that_comes_only_after_them() -> None:
    for manifests in (rendered(MUST), rendered(MUST, EVERYTHING)):
        for job in of_kind(manifests, "Job"):
            spec = job["spec"]["template"]["spec"]
            assert "helm.sh/hook" in job["metadata"]["annotations"]
            assert "serviceAccountName" not in spec
            assert all("envFrom" not in each for each in spec["containers"])
            assert spec["restartPolicy"] == "Never"


def test_a_hook_that_failed_goes_by_itself_when_there_was_time_to_read_it() -> None:
    # Helm takes away hooks that succeeded, and at an uninstall none.
    for job in of_kind(rendered(MUST, EVERYTHING), "Job"):
        assert job["spec"]["ttlSecondsAfterFinished"] >= 3600


def test_hooks_end_by_themselves_before_helm_gives_them_up() -> None:
    helm_waits, to_begin_and_end = 300, 60
    for job in of_kind(rendered(MUST, EVERYTHING), "Job"):
        assert job["spec"]["activeDeadlineSeconds"] < helm_waits - 20
    spec = named(rendered(MUST), "Job", "orderlink-topics")["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    (waits,) = (int(each.partition("=")[2]) for each in container["args"] if "wait-seconds" in each)
    # Cut short by its deadline the pod is gone, and with it what it said.
    assert (spec["backoffLimit"] + 1) * (waits + to_begin_and_end) < spec["activeDeadlineSeconds"]


def test_a_topics_pod_that_its_node_loses_is_tried_again_and_does_not_fail_the_upgrade() -> None:
    spec = named(rendered(MUST), "Job", "orderlink-topics")["spec"]
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    # The policy is refused by the API server for pods that restart their containers themselves.
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_topics_are_looked_at_before_an_upgrade_and_made_before_the_first_day() -> None:
    def told(*values: Path) -> tuple[str, list[str]]:
        job = named(rendered(*values), "Job", "orderlink-topics")
        (container,) = job["spec"]["template"]["spec"]["containers"]
        return job["metadata"]["annotations"]["helm.sh/hook"], container["args"][:2]

    assert told(MUST) == ("pre-install,pre-upgrade", ["topics", "make"])
    # Strimzi makes them of resources that come with each release: looking before would wait for ever.
    assert told(MUST, EVERYTHING) == ("post-install,post-upgrade", ["topics", "check"])


def egress(manifests: tuple[Manifest, ...], policy: str) -> set[int]:
    """The ports that a policy lets out to."""
    rules = named(manifests, "NetworkPolicy", policy)["spec"]["egress"]
    return {each["port"] for rule in rules for each in rule["ports"]}


def test_what_a_setting_sends_a_process_to_its_policy_lets_through() -> None:
    jwks = ('config.ORDERLINK_JWKS_URL="https://login.example/keys"',)
    payments = ('services.aftersales.config.ORDERLINK_PAYMENTS_URL="http://payments:8080"',)
    mongodb = ('mongodb.url="mongodb://a:27027,b:27028/?replicaSet=rs0"',)
    assert 443 not in egress(rendered(MUST), "orderlink-orders-api")
    assert 443 in egress(rendered(MUST, sets=jwks), "orderlink-orders-api")
    assert 8080 in egress(rendered(MUST, sets=payments), "orderlink-aftersales-worker")
    assert 27017 in egress(rendered(MUST), "orderlink-orders-worker")
    found = egress(rendered(MUST, sets=mongodb), "orderlink-orders-worker")
    assert {27027, 27028} <= found
    assert 27017 not in found
    # One that names the port narrows it to an address: nothing is opened beside it.
    narrowed = named(rendered(MUST, EVERYTHING), "NetworkPolicy", "orderlink-orders-api")["spec"]["egress"]
    assert [rule.get("to") for rule in narrowed if {"protocol": "TCP", "port": 443} in rule["ports"]] == [
        [{"ipBlock": {"cidr": "203.0.113.0/24"}}]
    ]


def test_a_hooks_job_comes_with_the_policy_that_lets_it_out() -> None:
    """Hooks run while the policies of the release before are in force, which may know nothing of the Job."""
    for manifests in (rendered(MUST), rendered(MUST, EVERYTHING)):
        for job in of_kind(manifests, "Job"):
            name = job["metadata"]["name"]
            its, of_policy = (
                each["metadata"]["annotations"] for each in (job, named(manifests, "NetworkPolicy", name))
            )
            assert its["helm.sh/hook"] == of_policy["helm.sh/hook"]
            assert int(of_policy["helm.sh/hook-weight"]) < int(its["helm.sh/hook-weight"])
            assert "hook-succeeded" in of_policy["helm.sh/hook-delete-policy"]


def test_a_job_whose_secret_comes_with_the_chart_runs_after_it_on_the_first_day() -> None:
    users = named(rendered(MUST, EVERYTHING), "Job", "orderlink-mongodb-users")
    assert users["metadata"]["annotations"]["helm.sh/hook"] == "post-install,pre-upgrade"
    told = ("externalSecrets.enabled=false", "strimzi.topics.enabled=false", 'topics.kafkaUser="admin"')
    manifests = rendered(MUST, EVERYTHING, sets=told)
    hooks = {each["metadata"]["annotations"]["helm.sh/hook"] for each in of_kind(manifests, "Job")}
    assert hooks == {"pre-install,pre-upgrade"}
    (job,) = named(manifests, "Job", "orderlink-topics")["spec"]["template"]["spec"]["containers"]
    assert {"name": "KAFKA_SASL_USERNAME", "value": "admin"} in job["env"]


def test_a_longer_name_of_the_release_is_cut_where_kubernetes_would_refuse_it() -> None:
    release = "the-service-team-of-the-shop-in-the-north-of-the-land"
    manifests = rendered(MUST, release=release)
    names = [each["metadata"]["name"] for each in manifests]
    assert len(set(zip(names, (each["kind"] for each in manifests), strict=True))) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name) for name in names)


def test_a_service_that_is_not_wanted_leaves_nothing_behind() -> None:
    manifests = rendered(MUST, EVERYTHING, sets=("services.notifications.enabled=false",))
    about = [each for each in manifests if "notifications" in each["metadata"]["name"]]
    assert {each["kind"] for each in about} == {"KafkaTopic"}


def test_another_setting_starts_the_pods_of_its_service_anew_and_no_others() -> None:
    before = rendered(MUST)
    after = rendered(MUST, sets=('services.orders.config={"ORDERLINK_PAGE_SIZE": 20}',))
    changed = {
        name
        for (name, old, _), (_, new, _) in zip(containers(before), containers(after), strict=True)
        if old["metadata"] != new["metadata"]
    }
    assert changed == {"orderlink-orders-api", "orderlink-orders-worker"}


def test_pods_run_as_the_user_and_on_the_ports_of_the_image() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    dockerfile = (CHART.parent / "Dockerfile").read_text("utf-8")
    assert f"\nUSER {values['runAsUser']}:{values['runAsUser']}\n" in dockerfile
    assert f"\nEXPOSE {values['ports']['api']} {values['ports']['worker']}\n" in dockerfile
    images = {each["image"].partition(":")[0] for _, _, each in containers(rendered(MUST))}
    assert images == {f"orderlink-{name}" for name in (*SERVICES, "cli")}
