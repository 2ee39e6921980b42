"""Texts of many requests as batches: who goes together, and what becomes of each."""

from __future__ import annotations

import asyncio
import threading

import pytest

from glossator.serving.batcher import LATE, Batcher, Question
from glossator.serving.problems import Problem

PATIENCE = 60  # seconds that a test waits for what must come


class Model:
    """Answers each item with itself; `hold` stops it until `go`."""

    def __init__(self, bad=()):
        self.bad, self.asked = set(bad), []
        self.busy, self.go = threading.Event(), threading.Event()
        self.go.set()

    def answer(self, kind, items, step):
        self.asked.append((kind, list(items)))
        self.busy.set()
        assert self.go.wait(PATIENCE)
        if self.bad.intersection(items):
            raise RuntimeError("poison")
        return [{"of": item} for item in items]

    def hold(self):
        self.go.clear()
        self.busy.clear()

    @property
    def batches(self):
        return [items for _, items in self.asked]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def made(model):
    found = []

    def make(**given):
        found.append(Batcher(model, **{"budget": 10, **given}))
        return found[-1]

    yield make
    model.go.set()
    for batcher in found:
        assert batcher.close(PATIENCE)


def questions(*items, cost=1, kind=None):
    return [Question(item, cost, kind) for item in items]


async def held(model, batcher):
    """Have the model be busy with something, until `go`."""
    model.hold()
    first = asyncio.create_task(batcher.ask(questions("first"), 1e9))
    await asyncio.to_thread(model.busy.wait, PATIENCE)
    return first


async def waiting(batcher, count):
    async with asyncio.timeout(PATIENCE):
        while batcher.waiting[0] != count:
            await asyncio.sleep(0)


def test_each_gets_its_own_answer(model, made):
    batcher = made()

    async def ask():
        return await asyncio.gather(*(batcher.ask(questions(i, -i), 1e9) for i in range(20)))

    assert asyncio.run(ask()) == [[{"of": i}, {"of": -i}] for i in range(20)]


def test_what_waits_goes_together_up_to_the_budget(model, made):
    batcher = made(budget=3)

    async def ask():
        first = await held(model, batcher)
        rest = [asyncio.create_task(batcher.ask(questions(i), 1e9)) for i in range(5)]
        await waiting(batcher, 5)
        model.go.set()
        await asyncio.gather(first, *rest)

    asyncio.run(ask())
    assert model.batches == [["first"], [0, 1, 2], [3, 4]]


def test_the_delay_is_what_waits_beyond_a_batch_at_the_pace_of_late(model, made):
    clock = Clock()
    batcher = made(budget=3, clock=clock)
    answer = model.answer

    def slow(kind, items, step):
        found = answer(kind, items, step)
        clock.now += 2.0 * len(items)
        return found

    model.answer = slow

    async def ask():
        first = await held(model, batcher)
        rest = [asyncio.create_task(batcher.ask(questions(i), 1e9)) for i in range(5)]
        await waiting(batcher, 5)
        assert batcher.delay == 0  # nothing is known yet
        model.go.set()
        await asyncio.gather(first, *rest)
        again = await held(model, batcher)
        rest = [asyncio.create_task(batcher.ask(questions(i), 1e9)) for i in range(3)]
        await waiting(batcher, 3)
        assert batcher.delay == 0  # they go together
        rest += [asyncio.create_task(batcher.ask(questions(i), 1e9)) for i in range(2)]
        await waiting(batcher, 5)
        assert batcher.delay == pytest.approx(4.0)
        model.go.set()
        await asyncio.gather(again, *rest)

    asyncio.run(ask())


def test_one_text_above_the_budget_goes_by_itself(model, made):
    batcher = made(budget=3)

    async def ask():
        first = await held(model, batcher)
        rest = asyncio.create_task(
            batcher.ask([*questions("long", cost=9), *questions("short")], 1e9)
        )
        await waiting(batcher, 2)
        model.go.set()
        await asyncio.gather(first, rest)

    asyncio.run(ask())
    assert model.batches == [["first"], ["long"], ["short"]]


def test_those_who_ask_otherwise_go_apart_and_in_their_order(model, made):
    batcher = made()

    async def ask():
        first = await held(model, batcher)
        mixed = [*questions(1, kind="a"), *questions(2, kind="b"), *questions(3, kind="a")]
        rest = asyncio.create_task(batcher.ask(mixed, 1e9))
        await waiting(batcher, 3)
        model.go.set()
        await first
        return await rest

    assert asyncio.run(ask()) == [{"of": 1}, {"of": 2}, {"of": 3}]
    assert model.asked[1:] == [("a", [1, 3]), ("b", [2])]


@pytest.mark.parametrize("place", range(16))
def test_a_text_that_the_model_fails_with_fails_alone(model, made, place):
    batcher = made(budget=99)
    model.bad.add(place)

    async def ask():
        found = await batcher.ask(questions(*range(16)), 1e9)
        after = await batcher.ask(questions(*range(100, 120)), 1e9)
        return found, after

    found, after = asyncio.run(ask())
    assert [x for x in found if isinstance(x, Problem)] == [found[place]]
    assert found[place].kind == "internal"
    assert "poison" not in found[place].message
    assert [x["of"] for i, x in enumerate(found) if i != place] == [
        i for i in range(16) if i != place
    ]
    assert after == [{"of": i} for i in range(100, 120)]


def test_what_is_late_or_left_does_not_reach_the_model(model, made):
    clock = Clock()
    batcher = made(clock=clock)

    async def ask():
        first = await held(model, batcher)
        late = asyncio.create_task(batcher.ask(questions("late"), 5.0))
        left = asyncio.create_task(batcher.ask(questions("left"), 1e9))
        stays = asyncio.create_task(batcher.ask(questions("stays"), 1e9))
        await waiting(batcher, 3)
        left.cancel()
        clock.now = 6.0
        await asyncio.gather(left, return_exceptions=True)
        model.go.set()
        await first
        return (await late)[0], (await stays)[0]

    late, stays = asyncio.run(ask())
    assert late.kind == "deadline"
    assert stays == {"of": "stays"}
    assert model.batches == [["first"], ["stays"]]
    assert batcher.waiting == (0, 0)


class Long(Model):
    """Looks twice whether it is still to go on: before `hold` and after it."""

    def answer(self, kind, items, step):
        step()
        found = super().answer(kind, items, step)
        step()
        return found


@pytest.fixture
def long(model, made):
    model.__class__ = Long
    return made


@pytest.mark.parametrize("why", ["late", "left"])
def test_a_model_does_not_go_on_for_nobody(model, long, why):
    clock = Clock()
    batcher = long(clock=clock, budget=2)

    async def ask():
        model.hold()
        first = asyncio.create_task(batcher.ask(questions("a", "b"), 5.0))
        await asyncio.to_thread(model.busy.wait, PATIENCE)
        if why == "left":
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
        else:
            clock.now = 6.0
        model.go.set()
        after = await batcher.ask(questions("after"), 1e9)
        return (None if why == "left" else await first), after

    found, after = asyncio.run(ask())
    assert found in (None, [LATE, LATE])
    assert after == [{"of": "after"}]
    assert batcher.waiting == (0, 0)


def test_a_model_goes_on_as_long_as_one_of_a_batch_waits(model, long):
    batcher = long()

    async def ask():
        first = await held(model, batcher)
        left = asyncio.create_task(batcher.ask(questions("left"), 1e9))
        stays = asyncio.create_task(batcher.ask(questions("stays"), 1e9))
        await waiting(batcher, 2)
        model.busy.clear()
        model.go.set()
        await first
        await asyncio.to_thread(model.busy.wait, PATIENCE)
        left.cancel()
        return await stays

    assert asyncio.run(ask()) == [{"of": "stays"}]


def test_what_was_given_up_says_nothing_of_the_pace(model, long):
    clock = Clock()
    batcher = long(clock=clock, budget=1)

    async def ask():
        model.hold()
        first = asyncio.create_task(batcher.ask(questions("a", cost=1_000), 5.0))
        await asyncio.to_thread(model.busy.wait, PATIENCE)
        clock.now = 6.0
        model.go.set()
        await first

    asyncio.run(ask())
    assert batcher._pace.seconds_a_token == 0


def test_a_free_model_waits_for_company_no_longer_than_it_is_told(model, made):
    """With a clock that stands still only a full budget, or the end, starts a batch."""
    batcher = made(budget=3, max_wait=1e6, clock=Clock())

    async def ask():
        two = asyncio.create_task(batcher.ask(questions(1, 2), 1e9))
        await waiting(batcher, 2)
        assert not model.asked
        return await asyncio.gather(two, batcher.ask(questions(3), 1e9))

    asyncio.run(ask())
    assert model.batches == [[1, 2, 3]]


def test_at_the_end_what_waits_is_answered(model, made):
    batcher = made(max_wait=1e6, clock=Clock())

    async def ask():
        asked = asyncio.create_task(batcher.ask(questions(1, 2), 1e9))
        await waiting(batcher, 2)
        assert await asyncio.to_thread(batcher.close, PATIENCE)
        with pytest.raises(RuntimeError):
            await batcher.ask(questions(3), 1e9)
        return await asked

    assert asyncio.run(ask()) == [{"of": 1}, {"of": 2}]
