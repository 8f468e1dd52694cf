"""A channel's lane: all senders together keep its pace, and leave a provider in trouble alone."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from server.sender import Dispatched, Lane, dispatch_due, lanes
from server.sender.lanes import REST, THRESHOLD
from tests.server.providers import Provider
from tests.server.test_fates import queued
from tests.world import NOW, World
from tools.channels.base import NotTaken, Outbound, Pace, Rejected, everywhere
from tools.errors import Unavailable

steps = st.lists(
    st.tuples(st.timedeltas(timedelta(0), timedelta(seconds=40)), st.integers(0, 40)), max_size=30
)


@given(steps, st.integers(1, 20), st.sampled_from([0.1, 1.0, 7.5, 200.0]))
def test_no_stretch_of_time_sees_more_than_the_pace_and_one_burst(
    asked: list[tuple[timedelta, int]], burst: int, per_second: float
) -> None:
    lane, pace, now, left = Lane("sms"), Pace(per_second, burst), NOW, 0
    for wait, wanted in asked:
        now += wait
        count = lane.allows(wanted, pace, now)
        lane = lane.spend(count, pace, now)
        left += count
        assert 0 <= count <= wanted
        assert lane.tokens >= 0
        assert left <= burst + per_second * (now - NOW).total_seconds() + 1e-6


@given(st.timedeltas(timedelta(minutes=2), timedelta(hours=2)))
def test_a_clock_that_jumped_back_stops_no_channel(jump: timedelta) -> None:
    pace = Pace(1.0, 5)
    ahead = Lane("sms").spend(5, pace, NOW + jump)
    behind = ahead.spend(ahead.allows(1, pace, NOW), pace, NOW)

    assert behind.allows(5, pace, NOW + timedelta(seconds=5)) == 5


async def test_a_pace_is_kept_by_all_senders_together(world: World) -> None:
    engine = await queued(world, *(f"k{n}" for n in range(9)))
    one, other = Provider(pace=Pace(1.0, 4)), Provider(pace=Pace(1.0, 4))

    assert await dispatch_due(engine, everywhere(one)) == Dispatched(sent=4)
    assert await dispatch_due(engine, everywhere(other)) == Dispatched()
    world.clock.advance(timedelta(seconds=2))
    assert await dispatch_due(engine, everywhere(other)) == Dispatched(sent=2)
    assert await dispatch_due(engine, everywhere(one)) == Dispatched()

    assert world.sql("SELECT DISTINCT attempts FROM outbox WHERE state = 'queued'") == [
        0
    ]  # nobody claimed them


async def test_a_provider_in_trouble_is_left_alone_and_one_message_tries_again(world: World) -> None:
    engine = await queued(world, *(f"k{n}" for n in range(20)))
    provider = Provider(loses=lambda _: True, fails=lambda _: NotTaken("refused"))

    first = await dispatch_due(engine, everywhere(provider))
    assert first.not_taken >= THRESHOLD
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched()
    assert await _state(world) == "open"

    world.clock.advance(REST + timedelta(hours=1))
    assert await _state(world) == "half-open"
    assert await dispatch_due(engine, everywhere(provider)) == Dispatched(
        not_taken=1
    )  # it tries, and the lane rests again
    world.clock.advance(REST)
    provider.loses, provider.fails = lambda _: False, lambda _: None
    assert (await dispatch_due(engine, everywhere(provider))).sent > 1  # one tries, and then all that are due
    assert await _state(world) == "closed"


async def test_only_silence_is_trouble(world: World) -> None:
    """A provider that rejects every message answers, and one that loses a message in between is not down."""
    engine = await queued(world, *(f"k{n}" for n in range(12)))

    def odd(message: Outbound) -> Exception | None:
        return Unavailable("no answer") if int(message.key) % 2 else Rejected("30006", "a landline")

    assert await dispatch_due(engine, everywhere(Provider(fails=odd))) == Dispatched(unknown=6, failed=6)
    assert await _state(world) == "closed"


async def _state(world: World) -> str:
    async with world.pool.connection() as conn:
        found = await lanes(conn, channel="email")
    return found[0].state(world.clock.now()) if found else "closed"
