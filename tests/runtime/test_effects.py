"""Effects outside: wanted with the decision, tried under a lease, told back as a command."""

from datetime import timedelta

from shared.runtime.ports import EffectResult
from tests.kit.world import World, fact


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
    from shared.runtime.work import StartEffect

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
        from shared.runtime.work import StartEffect

        await other.engine.run([StartEffect("A-1", "effect-1")])

    world.store.before_commit = [the_other_is_first]
    await world.worker.try_effects()
    assert world.outbox.attempts == []


async def test_an_ended_effect_keeps_nothing_of_what_it_asked_for() -> None:
    world = World()
    await wanted(world)
    await world.worker.try_effects()
    file = await world.engine.load("A-1")
    assert file is not None
    assert file.effects["effect-1"].request == {}
