"""Which sentences carry which signal: the table in sentences.toml, and what holds for every text."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.signals import Signal, as_record, detect, phrases
from agent.signals.reading import sentences
from tools.activity.log_collection_activity import LogCollectionActivity

TABLE: dict[str, Any] = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text("utf-8"))
SAYS = [(sentence, signal) for signal, sentences in TABLE["says"].items() for sentence in sentences]
LATER = [
    (sentence, signal) for signal, said in TABLE["later"].items() for sentence in said if signal != "none"
]
EVERY = [*TABLE["none"], *(sentence for sentence, _ in SAYS)]


def names(text: str) -> set[str]:
    return {f"{signal.kind} {signal.detail}" if signal.detail else signal.kind for signal in detect(text)}


@pytest.mark.parametrize(("sentence", "signal"), SAYS)
def test_it_is_found(sentence: str, signal: str) -> None:
    assert signal in names(sentence)


@pytest.mark.parametrize(("sentence", "signal"), LATER)
def test_it_is_found_in_words_of_another_day(sentence: str, signal: str) -> None:
    assert any(name.startswith(signal) for name in names(sentence))


@pytest.mark.parametrize("sentence", [*TABLE["none"], *TABLE["later"]["none"]])
def test_nothing_is_found_where_there_is_nothing(sentence: str) -> None:
    assert names(sentence) == set()


@pytest.mark.parametrize("sentence", EVERY)
def test_every_signal_makes_a_valid_record_with_words_of_the_message(sentence: str) -> None:
    for signal in detect(sentence):
        assert signal.quote in sentence
        LogCollectionActivity.model_validate(as_record(signal, text=sentence, invoices={"i1": "INV-1042"}))


def test_what_we_wrote_ourselves_is_not_the_customers_word() -> None:
    """Our opt-out line comes back in every quoted reply."""
    reply = "I'll pay Friday\n\nOn Mon, Nov 16, 2026 at 9:00 AM Acme <a@acme.example>\nwrote:\n> You owe.\n> Reply STOP to opt out"
    spanish = "Le pago el viernes\n\nEl lun, 16 nov 2026 a las 9:00, Acme escribió:\n\nResponda BAJA para no recibir mensajes"
    outlook = "Will pay Friday\n\n-----Original Message-----\nFrom: Acme\nReply STOP to opt out"
    above = "> Reply STOP to opt out\n\nI'll pay Friday"
    assert [names(text) for text in (reply, spanish, outlook, above)] == [set()] * 4


def test_a_message_that_is_all_quotation_is_read() -> None:
    assert names("> STOP") == {"opt_out this_channel"}


def test_several_signals_come_gravest_first() -> None:
    found = detect("My husband died. This bill is wrong and stop texting me. I already paid it!")
    assert [signal.kind for signal in found] == ["deceased", "opt_out", "payment_claim", "dispute"]
    assert found[0].quote == "My husband died."


def test_one_opt_out_and_one_dispute_a_message() -> None:
    found = detect("Stop texting me. Stop contacting me in any way. You charged me twice and it still leaks.")
    single = [(signal.kind, signal.detail) for signal in found if signal.kind in ("opt_out", "dispute")]
    assert single == [
        ("opt_out", "all"),
        ("dispute", "duplicate"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Our mother passed away last week. I am her nephew.",
        "Mi tía falleció en mayo. Soy su sobrino.",
        "My aunt died. I am the nephew.",
    ],
)
def test_family_that_reports_a_death_is_no_wrong_party(text: str) -> None:
    """Their telephone stays; without the death the same words are those of somebody else who answers."""
    assert names(text) == {"deceased"}
    assert "wrong_party" in names(text.split(". ")[1])
    assert names(f"Wrong number. {text}") == {"deceased", "wrong_party"}


def test_contested_invoices_are_those_that_are_named() -> None:
    numbers = {"a": "INV-1042", "b": "INV-1043", "c": "77"}
    text = "inv 1042 is wrong, it says $1043"
    [signal] = detect(text)
    assert as_record(signal, text=text, invoices=numbers)["record"]["invoices"] == ["a"]
    assert as_record(signal, text="this is wrong", invoices=numbers)["record"]["invoices"] == []


def test_a_quote_fits_the_record_however_long_the_sentence() -> None:
    text = "and then " * 200 + "I will sue you " + "because " * 200
    [signal] = [signal for signal in detect(text) if signal.kind == "representation"]
    assert "I will sue you" in signal.quote
    assert signal.quote in text
    assert len(signal.quote) <= 500


@given(st.text(max_size=400) | st.lists(st.sampled_from(EVERY), max_size=6).map("\n".join))
def test_any_text_gives_valid_records(text: str) -> None:
    for signal in (*detect(text), *detect(text, "sms"), *detect(text, "email")):
        assert isinstance(signal, Signal)
        assert signal.quote in text
        LogCollectionActivity.model_validate(
            as_record(signal, text=text, invoices={"i1": "#", "i2": text[:20]})
        )


@given(
    st.sampled_from(SAYS),
    st.sampled_from(["Hi, ", "hello. ", "Sorry. "]),
    st.sampled_from(["", " thanks", " Ok?", "\nSent from my phone"]),
)
def test_courtesies_hide_no_signal(said: tuple[str, str], before: str, after: str) -> None:
    """Carrier keywords count alone or as a sentence of their own; everything else wherever it stands."""
    sentence, signal = said
    keyword = signal.startswith("opt_out") and len(sentence) < 16
    before = before if before.endswith(". ") or not keyword else ""
    after = f".{after}" if keyword else after
    assert signal.split()[0] in {name.split()[0] for name in names(f"{before}{sentence}{after}")}


@pytest.mark.parametrize("unit", ["stop ", "on ", "no me ", "i am ", "> ", "$1.", "\n", "El 1 ", "not "])
def test_hostile_length_costs_little(unit: str) -> None:
    """Twenty kilobytes of anything are read in well under a second."""
    import time

    start = time.perf_counter()
    detect(unit * (20_000 // len(unit)), "email")
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("sentence", "scope"),
    [
        ("Stop texts and emails", "all"),
        ("No more texts or calls", "all"),
        ("STOP. Also take me off email", "all"),
        ("no me manden mensajes ni correos", "all"),
        ("Dejen de llamarme y de mandar correos", "all"),
        ("Stop texting me, email is fine", "this_channel"),
        ("no more texts, just email me", "this_channel"),
        ("no me manden mensajes, solo por correo", "this_channel"),
    ],
)
def test_an_opt_out_that_names_two_channels_covers_all_unless_one_is_welcome(
    sentence: str, scope: str
) -> None:
    assert [signal.detail for signal in detect(sentence) if signal.kind == "opt_out"] == [scope]


@pytest.mark.parametrize(
    ("sentence", "by_sms", "by_email"),
    [
        # another channel than the one written on
        ("Not by text, e-mail is fine.", "this_channel", "sms"),
        ("text me, don't email", "email", "this_channel"),
        ("no more texting please", "this_channel", "sms"),
        ("No more SMS to my cell", "this_channel", "sms"),
        ("quit e-mailing me", "email", "this_channel"),
        ("por correo sí, por mensaje no", "this_channel", "sms"),
        ("por texto no, por correo sí", "this_channel", "sms"),
        ("al cel no, al correo sí", "this_channel", "sms"),
        ("my cell off, inbox ok", "this_channel", "sms"),
        ("Stop emailing me, texts are ok", "email", "this_channel"),
        ("dejen de mandarme correos", "email", "this_channel"),
        ("dejen de textearme, escríbanme al correo", "this_channel", "sms"),
        ("Unsubscribe me from texts", "this_channel", "sms"),
        ("Stop. Only by email please.", "this_channel", "sms"),
        ("drop the texts, keep the emails", "this_channel", "sms"),
        # no channel named: the one written on
        ("STOP", "this_channel", "this_channel"),
        ("take me off your list", "this_channel", "this_channel"),
        ("no me escriban más", "this_channel", "this_channel"),
        # in doubt the broader
        ("Stop texting and emailing me", "all", "all"),
        ("no textos ni correos", "all", "all"),
        ("Stop. I told you in my email to stop", "all", "this_channel"),
        ("Lose my number", "this_channel", "all"),
        ("Please stop. I do not want texts.", "this_channel", "all"),
        ("Never contact me again, not even by email", "all", "all"),
        ("Do not contact me by text or email ever again. Mail me a letter only.", "all", "all"),
    ],
)
def test_an_opt_out_covers_the_channel_that_its_words_name(sentence: str, by_sms: str, by_email: str) -> None:
    """The same words by text and by e-mail: what they name is closed, in doubt more than that, never less."""
    scopes = {
        channel: [s.detail for s in detect(sentence, channel) if s.kind == "opt_out"]
        for channel in ("sms", "email")
    }
    assert scopes == {"sms": [by_sms], "email": [by_email]}


def test_what_no_phrase_says_is_found_by_the_classifier_with_the_sentence_that_says_it() -> None:
    """No rule of the lexicon fits these words; messages of several authors are like them."""
    lexicon = phrases.load("agent.signals", "lexicon")
    text = "We got it. Please don't let these reach my phone anymore"
    assert not any(
        rule.find(lexicon.masked(read.plain)) for rule in lexicon.rules for read in sentences(text)
    )
    [signal] = detect(text)
    assert (signal.kind, signal.detail) == ("opt_out", "this_channel")
    assert signal.quote == "Please don't let these reach my phone anymore"
