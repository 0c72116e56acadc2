"""Effects outside: wanted with the decision, tried under a lease, told back as a command."""

import asyncio
from datetime import timedelta

import pytest

from shared.runtime.ports import EffectResult
from shared.runtime.work import ReportEffect, StartEffect, Tell
from tests.kit.world import World, fact
from tests.runtime.test_held_files import of_another_version

pytestmark = pytest.mark.promise("once")


async def wanted(world: World) -> None:
    await world.start()
    await world.desk.take(fact("order.cancelled", "f-1"), "d")


async def test_an_effect_is_done_once_and_its_result_is_heard() -> None:
    world = World()
    await wanted(world)
    await world.worker.try_effects()
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1"]
    assert await world.words() == ["effect-done"]


async def test_a_failed_attempt_is_tried_again_after_a_while() -> None:
    world = World()
    await wanted(world)
    world.outbox.answers = [EffectResult(done=False, retry=True, reason="busy")]
    await world.worker.try_effects()
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1"]
    world.clock.advance(timedelta(seconds=1))
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1", "effect-1"]
    assert await world.words() == ["effect-done"]


async def test_an_effect_refused_for_good_is_told_to_the_rules() -> None:
    world = World()
    await wanted(world)
    world.outbox.answers = [EffectResult(done=False, reason="unknown account")]
    await world.worker.try_effects()
    assert await world.words() == ["effect-failed:unknown account"]


async def test_an_effect_that_fails_as_often_as_is_allowed_is_given_up() -> None:
    world = World(effect_attempts=2)
    await wanted(world)
    world.outbox.answers = [EffectResult(done=False, retry=True, reason="busy")] * 2
    await world.worker.try_effects()
    world.clock.advance(timedelta(minutes=1))
    await world.worker.try_effects()
    assert await world.words() == ["effect-failed:busy"]


async def test_a_crash_while_trying_is_made_good_after_the_lease_with_the_same_id() -> None:
    world = World()
    await wanted(world)
    (started,) = await world.engine.run([StartEffect("A-1", "effect-1")])
    assert started.started
    await world.worker.try_effects()
    assert world.outbox.attempts == []
    world.clock.advance(timedelta(seconds=world.limits.effect_lease_seconds))
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1"]
    assert await world.words() == ["effect-done"]


async def test_two_owners_do_not_try_the_same_effect_at_once() -> None:
    world = World()
    await wanted(world)
    other = world.another_worker()

    async def the_other_is_first() -> None:
        world.store.before_commit.clear()
        await other.engine.run([StartEffect("A-1", "effect-1")])

    world.store.before_commit = [the_other_is_first]
    await world.worker.try_effects()
    assert world.outbox.attempts == []


async def test_what_the_rules_recall_before_a_try_is_not_tried_and_can_be_wanted_again() -> None:
    world = World()
    await wanted(world)
    world.outbox.answers = [EffectResult(done=False, retry=True, reason="busy")]
    await world.worker.try_effects()
    world.rules.unwanted = {"effect-1"}
    world.clock.advance(timedelta(minutes=1))
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1"]
    assert await world.words() == ["not-now"]
    world.rules.unwanted.clear()
    await world.desk.take(fact("order.cancelled", "f-2"), "e")
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1", "effect-1"]
    assert await world.words() == ["not-now", "effect-done"]


async def test_a_rule_that_raises_before_a_try_does_not_hold_the_effect_back() -> None:
    world = World()
    await wanted(world)
    world.rules.broken = {"effect-due"}
    world.outbox.answers = [EffectResult(done=False, retry=True, reason="busy")]
    await world.worker.try_effects()
    world.clock.advance(timedelta(minutes=1))
    await world.worker.try_effects()
    await world.settle()
    assert world.outbox.attempts == ["effect-1", "effect-1"]
    assert await world.words() == ["effect-done"]
    assert [letter.kind for letter in world.letters()] == ["effect"]


async def recall(world: World) -> None:
    await world.desk.take(fact("order.cancelled", "f-2", paid_back=True), "e")


async def test_an_effect_that_is_recalled_before_anybody_began_it_never_happens() -> None:
    world = World()
    await wanted(world)
    await recall(world)
    await world.desk.take(fact("order.cancelled", "f-3"), "g")
    await world.worker.try_effects()
    assert world.outbox.attempts == []
    assert await world.words() == ["recalled"]


async def test_an_effect_that_was_begun_goes_on_and_its_recall_is_told_so() -> None:
    world = World()
    await wanted(world)
    await world.engine.run([StartEffect("A-1", "effect-1")])
    await recall(world)
    world.clock.advance(timedelta(seconds=world.limits.effect_lease_seconds))
    await world.worker.try_effects()
    assert await world.words() == ["recalled-too-late", "effect-done"]


async def test_an_effect_that_is_to_be_tried_again_is_recalled_too_late() -> None:
    world = World()
    await wanted(world)
    world.outbox.answers = [EffectResult(done=False, retry=True, reason="no answer in time")]
    await world.worker.try_effects()
    await recall(world)
    assert await world.words() == ["recalled-too-late"]


async def test_of_a_recall_and_a_beginning_at_once_only_one_wins() -> None:
    world = World()
    await wanted(world)
    other = world.another_worker()

    async def the_other_begins() -> None:
        world.store.before_commit.clear()
        await other.engine.run([StartEffect("A-1", "effect-1")])

    world.store.before_commit = [the_other_begins]
    await recall(world)
    assert await world.words() == ["recalled-too-late"]


async def test_of_a_beginning_and_a_recall_at_once_only_one_wins() -> None:
    world = World()
    await wanted(world)
    other = world.another_engine()

    async def the_other_recalls() -> None:
        world.store.before_commit.clear()
        recalled = fact("order.cancelled", "f-2", paid_back=True)
        await other.run([Tell("A-1", recalled, "e")])

    world.store.before_commit = [the_other_recalls]
    await world.worker.try_effects()
    assert world.outbox.attempts == []
    assert await world.words() == ["recalled"]


async def test_an_ended_effect_keeps_nothing_of_what_it_asked_for() -> None:
    world = World()
    await wanted(world)
    await world.worker.try_effects()
    file = await world.engine.load("A-1")
    assert file is not None
    assert file.effects["effect-1"].request == {}


async def test_a_result_is_kept_while_the_database_is_away_and_nothing_is_done_twice() -> None:
    world = World()
    await wanted(world)

    async def goes_away(effect_id: str, request: object) -> EffectResult:
        world.outbox.attempts.append(effect_id)
        world.store.commit_faults = ["lost"] * 10
        return EffectResult(done=True)

    world.outbox.perform = goes_away  # type: ignore[method-assign]  # the far side, and the fault after it
    while await world.worker.try_effects():
        pass
    world.clock.advance(timedelta(hours=1))
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1"]
    assert await world.words() == ["effect-done"]


async def test_an_effect_that_cannot_be_begun_holds_up_no_end_and_is_done_by_the_next_worker() -> None:
    world = World()
    await wanted(world)
    await world.worker.effects._start_due(list(world.worker.slots()))
    world.store.away = True
    await world.worker.effects.finish()
    assert world.outbox.attempts == []
    world.store.away = False
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1"]


async def test_a_rule_that_raises_at_a_result_is_told_again_and_nothing_is_done_twice() -> None:
    world = World()
    await wanted(world)
    world.rules.broken = {"effect-done"}
    await world.worker.try_effects()
    assert [letter.kind for letter in world.letters()] == ["effect"]
    world.rules.broken = set()
    world.clock.advance(timedelta(seconds=world.limits.effect_lease_seconds))
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1"]
    assert await world.words() == ["effect-done"]


async def test_an_adapter_that_raises_is_tried_again() -> None:
    world = World()
    await wanted(world)

    async def raises(effect_id: str, request: object) -> EffectResult:
        world.outbox.attempts.append(effect_id)
        raise RuntimeError("no such thing")

    good = world.outbox.perform
    world.outbox.perform = raises  # type: ignore[method-assign]  # the fault
    await world.worker.try_effects()
    world.outbox.perform = good  # type: ignore[method-assign]  # mended
    world.clock.advance(timedelta(seconds=1))
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1", "effect-1"]
    assert await world.words() == ["effect-done"]


async def test_a_late_no_of_an_earlier_attempt_says_nothing_of_the_latest() -> None:
    world = World()
    await wanted(world)
    (first,) = await world.engine.run([StartEffect("A-1", "effect-1")])
    world.clock.advance(timedelta(seconds=world.limits.effect_lease_seconds))
    (second,) = await world.engine.run([StartEffect("A-1", "effect-1")])
    assert (first.started, second.started) == (1, 2)
    no = EffectResult(done=False, reason="refused")
    (late,) = await world.engine.run([ReportEffect("A-1", "effect-1", first.started, no)])
    assert late.duplicate
    yes = EffectResult(done=True)
    await world.engine.run([ReportEffect("A-1", "effect-1", first.started, yes)])
    assert await world.words() == ["effect-done"]


async def test_a_far_side_that_hangs_holds_up_no_other_effect() -> None:
    world = World(effect_poll_seconds=0.01)
    await wanted(world)
    answered = asyncio.Event()

    async def hangs_at_the_first(effect_id: str, request: object) -> EffectResult:
        world.outbox.attempts.append(effect_id)
        if effect_id == "effect-1":
            await answered.wait()
        return EffectResult(done=True)

    world.outbox.perform = hangs_at_the_first  # type: ignore[method-assign]  # the far side
    async with asyncio.timeout(10):
        await world.worker.try_effects()
        await world.desk.take(fact("order.cancelled", "f-2", order_id="A-2"), "d")
        while await world.words("A-2") != ["effect-done"]:
            await world.worker.try_effects()
        assert world.outbox.attempts == ["effect-1", "effect-2"]
        assert await world.words() == []
        answered.set()
        while await world.worker.try_effects():
            pass
    assert await world.words() == ["effect-done"]


async def test_effects_of_files_that_cannot_be_read_keep_no_other_waiting() -> None:
    world = World(effects_at_once=2)
    await world.start()
    mended = []
    for number in range(3):
        await world.desk.take(fact("order.cancelled", f"f-{number}", order_id=f"BAD-{number}"), "d")
        mended.append(await of_another_version(world, f"BAD-{number}"))
    world.clock.advance(timedelta(seconds=1))
    await world.desk.take(fact("order.cancelled", "f-good", order_id="GOOD"), "d")
    for _ in range(4):
        await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-GOOD"]
    for mend in mended:
        mend()
    for _ in range(6):
        await world.worker.try_effects()
    assert len(world.outbox.attempts) == 4


async def test_looking_at_files_that_cannot_be_read_is_no_work_done() -> None:
    world = World()
    await wanted(world)
    await of_another_version(world, "A-1")
    assert [await world.worker.try_effects() for _ in range(3)] == [False, False, False]
