"""Search: one customer's, exact, by meaning and by words; nobody else's, whatever the ids look like."""

from typing import Any

import pytest

from agent.engine.narrow import one_customer
from tests.tools.memory.histories import MODEL, said
from tests.world import World
from tools import sql
from tools.memory.embeddings import Embedded, embed_locally, literal
from tools.memory.search import Hit, nearest, search

SMALL_TALK = [f"Thank you, that is fine for {day}." for day in ("Monday", "Tuesday", "Friday")] + [
    "The technician was here and the heater works.", "Could you call me about the schedule?",
    "I will look at the statement next week.", "The parcel came without the filters.",
]  # fmt: skip


def asked(text: str) -> Embedded:
    return Embedded(embed_locally([text])[0], MODEL)


async def found(world: World, text: str, customer: str = "cust-1", **given: Any) -> list[Hit]:
    async with one_customer(world.pool, customer) as conn:
        return await search(conn, customer_id=customer, text=text, query=asked(text), **given)


@pytest.mark.parametrize(
    ("fact", "question"),
    [
        ("The total on INV-2207 is wrong, we ordered two.", "what about inv2207?"),
        ("The total on INV-2207 is wrong, we ordered two.", "And #2207?"),
        ("We sent 1,250.00 on the first.", "did my 1250 arrive"),
        ("Greta Brambleworth-Okafor signs for us.", "who is okafor"),
        ("Accounts payable runs every second Thursday.", "On which day do you pay your suppliers?"),
        ("My husband lost his job and we live on savings.", "What is our financial situation at home?"),
        ("Please write to me in Spanish.", "Which language do I prefer?"),
        ("La factura F-88 está mal.", "¿qué pasó con la factura f88?"),
    ],
)
async def test_a_number_a_name_and_a_paraphrase_are_found(world: World, fact: str, question: str) -> None:
    world.customer()
    said(world, *SMALL_TALK, fact, *SMALL_TALK)

    assert fact in [hit.body for hit in await found(world, question, limit=3)]


async def test_words_find_what_was_never_embedded_and_meaning_is_not_needed_for_it(world: World) -> None:
    world.customer()
    said(world, *SMALL_TALK, "Our vendor number is 300417.", embedded=False)

    assert (await found(world, "vendor number 300417", limit=1))[0].body == "Our vendor number is 300417."
    async with one_customer(world.pool, "cust-1") as conn:
        hits = await search(conn, customer_id="cust-1", text="vendor", query=None)
    assert [hit.body for hit in hits] == ["Our vendor number is 300417."]


async def test_what_never_left_what_comes_later_and_what_was_erased_is_not_found(world: World) -> None:
    world.customer()
    first, second, third = said(world, "The key is 1.", "The key is two.", "The key is three.")
    world.sql("UPDATE message SET body = NULL, embedding = NULL, embedding_model = NULL WHERE id = %s", first)

    assert [hit.id for hit in await found(world, "key", before=third)] == [second]
    assert await found(world, "key", before=third, without=[second]) == []


async def test_vectors_of_another_model_are_never_compared(world: World) -> None:
    world.customer()
    said(world, "The gate code changed.")
    world.sql("UPDATE message SET embedding = '[1,2,3]', embedding_model = 'other/3'")

    assert [hit.body for hit in await found(world, "gate")] == ["The gate code changed."]
    async with one_customer(world.pool, "cust-1") as conn:
        assert await nearest(conn, customer_id="cust-1", query=asked("gate")) == []


async def test_hostile_questions_are_only_words(world: World) -> None:
    world.customer()
    said(world, "Somebody's key.")
    for question in (
        "'; DROP TABLE message; --",
        "a & | ! <-> ( :* \\ '",
        "\\' : * key:*",
        "",
        "%",
        "的 ключ",
    ):
        await found(world, question)
    assert world.count("message") == 1


LOOK_ALIKES = ("12", "123", "1%", "1_3", "a.b", "a", "a.b.c", "o'brien", 'q"uote', "A", " a", "a\\", "ä")


async def test_customers_whose_ids_look_alike_see_nothing_of_each_other(world: World) -> None:
    for n, customer in enumerate(LOOK_ALIKES):
        world.customer(customer)
        said(world, f"The secret word of number {n} is zanzibar{n}.", customer=customer)

    for n, customer in enumerate(LOOK_ALIKES):
        hits = await found(world, "secret word zanzibar", customer)
        assert [hit.body for hit in hits] == [f"The secret word of number {n} is zanzibar{n}."]
        for other in LOOK_ALIKES:
            if other != customer:  # narrowed to one, asking for another: an empty answer, not a leak
                async with one_customer(world.pool, customer) as conn:
                    assert await nearest(conn, customer_id=other, query=asked("zanzibar")) == []


async def test_the_nearest_ten_are_the_true_nearest_ten(world: World) -> None:
    world.customer()
    texts = [f"{talk} Case {n}, part {n * 7 % 31}." for n in range(60) for talk in SMALL_TALK]
    ids = said(world, *texts)
    query = asked("When does the technician look at the heater?")
    exact = sorted(
        zip(embed_locally(texts), ids, strict=True),
        key=lambda pair: (-sum(a * b for a, b in zip(pair[0], query.vector, strict=True)), -pair[1]),
    )

    async with one_customer(world.pool, "cust-1") as conn:
        got = await nearest(conn, customer_id="cust-1", query=query)
    assert {one for one, _ in got} == {one for _, one in exact[:10]}


@pytest.mark.parametrize("block", ["nearest", "search"])
async def test_no_ann_index_exists_and_the_search_goes_through_the_btree_on_the_customer(
    world: World, block: str
) -> None:
    for n in range(30):
        world.customer(f"k{n}")
        said(world, *SMALL_TALK * 10, customer=f"k{n}")
    world.sql("ANALYZE message")
    access = world.sql(
        """SELECT DISTINCT am.amname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             JOIN pg_am am ON am.oid = c.relam WHERE i.indrelid = 'message'::regclass"""
    )
    assert access == ["btree"]

    given: dict[str, Any] = {
        "customer_id": "k7", "embedding": literal(asked("heater").vector), "model": MODEL, "before": None, "limit": 10,
        "text": "heater", "dictionary": "english_stem", "pool": 60, "without": [],
    }  # fmt: skip
    async with one_customer(world.pool, "k7") as conn:
        cursor = await conn.execute("EXPLAIN " + sql.load("tools.memory")[block], given)
        plan = "\n".join(row[0] for row in await cursor.fetchall())

    assert "message_customer" in plan
    assert "Index Cond: (customer_id = 'k7'::text)" in plan
    assert "Seq Scan on message" not in plan
