"""`python -m tests.storms many|one`: what `make storms` and `make storm SEED=n` run."""

import argparse
import sys

from tests.storms.campaign import FAILURES_TOLD_MAX, REPORT, play_many, report, tell_failure
from tests.storms.stage import play, rare_collections


def main() -> int:
    """Play many storms, or one with a trace. 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.storms", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    many = commands.add_parser("many", help="play many seeds on all cores")
    many.add_argument("--seeds", type=int, default=10_000, help="how many")
    many.add_argument("--first", type=int, default=0, help="the first one")
    many.add_argument("--report", action="store_true", help=f"write {REPORT.name} too")
    one = commands.add_parser("one", help="replay one seed with a trace of its steps and faults")
    one.add_argument("seed", type=int)
    given = parser.parse_args()
    return _one(given.seed) if given.command == "one" else _many(given)


def _many(given: argparse.Namespace) -> int:
    total = play_many(range(given.first, given.first + given.seeds))
    print(report(total))
    if given.report:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(report(total), "utf-8")
        print(f"written to {REPORT}")
    for seed, failure in total.failures[:FAILURES_TOLD_MAX]:
        print("\n".join(tell_failure(seed, failure)))
    if more := [seed for seed, _ in total.failures[FAILURES_TOLD_MAX:]]:
        print(f"{len(more)} more failed: {', '.join(map(str, more[:50]))}")
    return 1 if total.failures else 0


def _one(seed: int) -> int:
    with rare_collections():
        played = play(seed, print)
    print(f"seed {seed}: {played.failure or 'every invariant held, and the outcome is the calm one'}")
    if played.failure is None:
        return 0
    print("\n".join(tell_failure(seed, played.failure)))
    return 1


if __name__ == "__main__":
    sys.exit(main())
