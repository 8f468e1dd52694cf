"""Standing facts: what was recorded as lasting is there with its source, and ends when it is no longer so."""

from datetime import timedelta

from tests.world import TODAY, World, proposing, record
from tools.arrangements.promises import settle_promise


async def says(world: World, text: str, *records: dict[str, object]) -> None:
    await world.engine(proposing(*records)).run(await world.hears(text))


def active(world: World) -> list[tuple[str, str]]:
    return world.sql("SELECT kind, fact FROM standing_fact WHERE ended_at IS NULL ORDER BY id")


def preference(about: str, quote: str) -> dict[str, object]:
    return record("preference", about=about, quote=quote)


async def test_a_newer_habit_takes_the_older_ones_place_and_roles_stand_side_by_side(world: World) -> None:
    world.customer()
    await says(world, "AP pays on Thursdays.", preference("payment_habit", "AP pays on Thursdays"))
    await says(world, "Greta enters bills.", preference("contact_role", "Greta enters bills"))
    await says(world, "Juan approves them.", preference("contact_role", "Juan approves them"))
    await says(world, "AP pays on Mondays now.", preference("payment_habit", "AP pays on Mondays now"))
    await says(world, "juan approves them.", preference("contact_role", "juan approves them"))

    assert active(world) == [
        ("contact_role", "Greta enters bills"), ("payment_habit", "AP pays on Mondays now"),
        ("contact_role", "juan approves them"),
    ]  # fmt: skip
    assert world.count("standing_fact", "message_id IS NULL OR at IS NULL") == 0


async def test_a_quote_without_names_is_kept_in_the_customers_own_words(world: World) -> None:
    world.customer()
    await says(world, "Odalys Brambleworth signs.", preference("contact_role", "[name] signs."))

    assert active(world) == [("contact_role", "Odalys Brambleworth signs.")]


async def test_a_promise_is_a_fact_until_it_is_settled_or_replaced(world: World) -> None:
    world.customer()

    def promise(days: int) -> dict[str, object]:
        on = (TODAY + timedelta(days=days)).isoformat()
        return record("promise", payments=[{"amount": "250.00", "on": on}], invoices=["inv-1"])

    await says(world, "250 on Friday.", promise(3))
    await says(world, "250 on Saturday.", promise(4))

    assert active(world) == [("promise", "Promised $250.00 by 14 March 2026.")]
    [promise_id] = world.sql("SELECT id FROM promise WHERE state = 'open'")
    async with world.pool.connection() as conn:
        assert await settle_promise(
            conn, promise_id=promise_id, state="kept", paid_minor=25_000, now=world.clock.now()
        )
    assert active(world) == []
