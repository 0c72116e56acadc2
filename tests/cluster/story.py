"""What is done with the chart on the cluster, in order."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.cluster import drain, ground, life
from tests.cluster.commands import Cluster, ClusterWrong
from tests.cluster.looks import Place
from tests.deploy.keeping import CASES, KEPT, released
from tests.deploy.rendering import CHART, EVERYTHING, MUST, SIZES

Step = tuple[str, Callable[[Cluster], str]]
"""What is done, and how; it says what it saw."""


@dataclass(frozen=True)
class Seen:
    """One step: in which chapter, what was done, what was seen, and how long it took."""

    chapter: str
    what: str
    told: str
    seconds: float


def play(cluster: Cluster) -> list[Seen]:
    """All steps. Raises `ClusterWrong` with the name of the step that found something."""
    seen: list[Seen] = []
    for chapter, steps in chapters().items():
        for what, does in steps:
            began = time.monotonic()
            try:
                told = does(cluster)
            except ClusterWrong as problem:
                raise ClusterWrong(f"{chapter}, {what}: {problem}") from problem
            seen.append(Seen(chapter, what, told, time.monotonic() - began))
            sys.stderr.write(f"{chapter}, {what}: {told} ({seen[-1].seconds:.1f} s)\n")
    return seen


def chapters() -> dict[str, list[Step]]:
    """The steps by what they are about."""
    sizes = {f"values-{size}.yaml": of_size(size) for size in SIZES}
    upgrades = {f"{version}, {case}": from_release(version, case) for version, case in released()}
    return {
        "cluster": of_ground(),
        **sizes,
        "everything on": of_everything(),
        **upgrades,
        "drain": of_drain(),
    }


def of_ground() -> list[Step]:
    """Definitions, nodes, and a namespace that guards."""
    return [
        ("kinds of others", ground.define),
        ("nodes", ground.add_nodes),
        ("a pod as most are", ground.refuse),
    ]


def of_size(size: str) -> list[Step]:
    """A release from its Secrets to its end; the small one by who has a namespace and no more."""
    place = Place(size, (CHART / f"values-{size}.yaml", MUST), "tenant" if size == "small" else "admin")
    refused: list[Step] = [("another partition count", partial(life.change_partitions, place=place))]
    return [
        ("the README's Secrets", partial(ground.prepare, place=place)),
        ("install", partial(life.install, place=place)),
        ("another setting", partial(life.change_setting, place=place)),
        ("another image", partial(life.change_image, place=place)),
        ("rollback", partial(life.roll_back, place=place)),
        *(refused if size == "medium" else ()),
        ("uninstall", partial(life.uninstall, place=place)),
    ]


def of_everything() -> list[Step]:
    """Everything on, with topics that outlive the release."""
    place = Place("everything", (MUST, EVERYTHING))
    return [
        ("namespace", partial(ground.make_namespace, namespace=place.namespace)),
        ("install", partial(life.install, place=place, is_first=False)),
        ("topics out of the values", partial(life.leave_topics, place=place)),
        ("uninstall", partial(life.uninstall, place=place, leaves_topics=True)),
        ("install over the topics", partial(life.install, place=place, is_first=False)),
        ("uninstall again", partial(life.uninstall, place=place, leaves_topics=True)),
        ("topics deleted by hand", life.delete_topics),
    ]


def from_release(version: str, case: str) -> list[Step]:
    """A released chart, upgraded to today's and rolled back."""
    values = tuple(KEPT / version / name for name in CASES[case])
    place = Place(f"from-{version.replace('.', '-')}-{case}", values)
    has_topics = case == "everything"
    by_hand: list[Step] = [("topics deleted by hand", life.delete_topics)]
    return [
        ("namespace", partial(ground.make_namespace, namespace=place.namespace)),
        ("install as released", partial(life.install_released, place=place, version=version)),
        ("upgrade to today's", partial(life.upgrade_released, place=place)),
        ("rollback", partial(life.roll_back, place=place)),
        ("uninstall", partial(life.uninstall, place=place, leaves_topics=has_topics)),
        *(by_hand if has_topics else ()),
    ]


def of_drain() -> list[Step]:
    """A node is emptied while no other takes pods, and once more when they do."""
    place = Place("drained", (MUST,))
    return [
        ("two pods of each on one node", partial(drain.crowd, place=place)),
        ("no other node takes pods", partial(drain.stop_at_budgets, place=place)),
        ("other nodes take pods", partial(drain.go_on, place=place)),
        ("uninstall", partial(life.uninstall, place=place)),
    ]
