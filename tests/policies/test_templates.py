"""Templates: cut a text at what the page offers, learn the slots, fill them again."""

from __future__ import annotations

import random

import pytest

from policies.sources import sources
from policies.templates import Draft, delexicalise, learn, values
from policies.wordings import Use, group
from schema_extraction.action import SendMessage
from schema_extraction.normalise import value
from schema_extraction.view import Fact, Message, View
from tests.policies import worlds


def view(name: str, order: str, total: str, item: str = "leather scarf") -> View:
    facts = {"Full name": name, "Order total": total, "Item": item, "Preferred name": name.split()[0]}
    return View(
        path="/",
        today=worlds.TODAY,
        facts=tuple(Fact(key=f"/c/{label}", label=label, value=value(text, label)) for label, text in facts.items()),
        messages=(Message(author="c", direction="inbound", text=f"It is about order {order}, please help."),),
    )


CASES = (("Ana Cruz", "1234567", "$49.99"), ("Bo Lind", "7654321", "$5.00"), ("Cy Falk", "1111111", "$820.10"))
TEXT = "Dear {first}, ${total} for order {order} is on its way."


def drafts(text: str = TEXT) -> list[tuple[str, View, Draft]]:
    made = []
    for number, (name, order, total) in enumerate(CASES):
        page = view(name, order, total)
        written = text.format(first=name.split()[0], total=total[1:], order=order)
        made.append((written, page, delexicalise(written, sources(page), f"c{number}")))
    return made


def test_filling_a_template_on_the_view_it_came_from_gives_the_text_back() -> None:
    made = drafts()
    (template,) = learn(draft for _, _, draft in made)
    assert template.cases == 3
    assert [template.fill(values(sources(page))) for _, page, _ in made] == [text for text, _, _ in made]


def test_a_template_is_filled_for_a_customer_never_seen() -> None:
    (template,) = learn(draft for _, _, draft in drafts())
    page = view("Dora Egger", "9999999", "$12.34")
    assert template.fill(values(sources(page))) == "Dear Dora, $12.34 for order 9999999 is on its way."
    assert "Dora" not in template.text and "Full name" in template.text or "Preferred name" in template.text


def test_a_view_that_lacks_a_slot_gets_no_text() -> None:
    (template,) = learn(draft for _, _, draft in drafts())
    bare = view("Dora Egger", "9999999", "$12.34").model_copy(update={"messages": ()})
    assert template.fill(values(sources(bare))) is None


def test_a_word_of_the_wording_that_a_fact_happens_to_hold_is_no_slot() -> None:
    made = []
    for number, level in enumerate(["Gold", "Silver", "Gold", "Silver"]):
        page = view("Ana Cruz", "1234567", "$5.00")
        page = page.model_copy(update={"facts": (Fact(key="/c/Level", label="Level", value=value(level)),)})
        made.append(delexicalise("Gold is our best level.", sources(page), f"c{number}"))
    (template,) = learn(made)
    assert template.slots == ()
    assert template.cases == 4


def test_a_wording_seen_once_is_kept_only_when_it_names_nobody() -> None:
    page = view("Ana Cruz", "1234567", "$5.00")
    general = delexicalise("Hello, which order is this about?", sources(page), "c1")
    personal = delexicalise("As agreed with Otto Brand on line 55512, goodbye.", sources(page), "c1")
    assert [t.text for t in learn([general, personal])] == ["Hello, which order is this about?"]


@pytest.mark.parametrize("seed", range(3))
def test_replies_of_the_made_up_desk_round_trip(seed: int) -> None:
    rng = random.Random(seed)
    sent = []
    for number in range(30):
        for page, action in worlds.script(worlds.draw(number, rng)):
            if isinstance(action, SendMessage):
                sent.append((page, action.text, delexicalise(action.text, sources(page), f"c{number}")))
    known = learn(draft for _, _, draft in sent)
    filled = [{t.fill(values(sources(page))) for t in known} for page, _, _ in sent]
    assert all(text in offered for (_, text, _), offered in zip(sent, filled, strict=True))


def test_templates_used_alike_share_a_meaning_and_those_told_apart_by_a_choice_do_not() -> None:
    texts = ("Your card is credited.", "We credited the card.", "It is on your balance now.")
    known = learn(delexicalise(text, (), f"c{n}") for n, text in enumerate(texts))
    chosen = dict(zip(texts, ("Card", "Card", "Balance"), strict=True))
    task = frozenset({"section Tell the customer"})
    uses = [
        Use(t.id, f"{t.id}{n}", task, "Refund", (("/form/to", chosen[t.text]),), frozenset({"x"}))
        for t in known
        for n in range(3)
    ]
    meaning = {t.text: t.meaning for t in group(known, uses)}
    assert meaning[texts[0]] == meaning[texts[1]] != meaning[texts[2]]


def test_a_fact_that_tells_two_wordings_apart_for_good_separates_their_meanings() -> None:
    texts = ("It is free of charge.", "We charge the usual fee.")
    known = learn(delexicalise(text, (), f"c{n}") for n, text in enumerate(texts))
    task = frozenset({"section Tell the customer"})
    uses = [
        Use(t.id, f"{t.id}{n}", task, "Delivery", (), frozenset({f"level={'gold' if t.text == texts[0] else 'bronze'}"}))
        for t in known
        for n in range(8)
    ]
    first, second = group(known, uses)
    assert first.meaning != second.meaning
