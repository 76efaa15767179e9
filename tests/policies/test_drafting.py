"""Replies that a language model drafts: of values on the page alone, beside those that were written before, never first."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.console.card import origin_words
from agent.words import describe
from policies import bundle
from policies.bundle import Bundle
from policies.causal_lm import data, scratch, store
from policies.causal_lm.drafting import CausalDrafter, filled, named, readable, slots
from policies.causal_lm.engine import Engine
from policies.causal_lm.errors import ContextError, ServerError
from policies.causal_lm.language import Language
from policies.causal_lm.policy import CausalPolicy, Reach
from policies.causal_lm.scoring import Written
from policies.causal_lm.train import train_policy
from policies.causal_lm.trie import Tokens
from policies.dataset import Sample, learn_memory
from policies.encoder import EncoderSettings
from policies.errors import ModelError
from policies.gate import Gate
from policies.novelty import Novelty
from policies.proposal import Concurrent, is_critical
from policies.replies.grounding import Ground, words
from policies.replies.learning import foretold, learn_replies
from policies.replies.offering import OfferingPolicy
from policies.replies.replies import Replies
from policies.scripted import FixedCritic, ScriptedPolicy
from policies.sources import sources
from policies.templates import Template
from policies.trace import TraceWriter
from schema_extraction.action import SendMessage
from schema_extraction.view import Control, Notice, View
from tests.policies import lm, made
from tests.policies.completions_server import completions
from tests.policies.test_remote import remote
from tests.policies.test_replies import embed

NAMES = "Ana Boris Carla Deniz Emil Fatima Goran Hana Igor Jana Kemal Lena Marek Nadia Omar Petra".split()
KINDS = {"broken": "I am sorry, {}. We replace {}.", "late": "Please wait a little, {}. {} comes soon."}
COMPOSER = Control(ref="e9", key="main|textbox|Message|0", role="textbox", part="send_message.text")


def page(number: int, kind: str = "") -> View:
    kind = kind or ("broken", "late")[number % 2]
    found = made.view(f"C-{number}", name=f"{NAMES[number % len(NAMES)]} Adler", order=f"ORD-{100 + number}", problem=kind)
    return found.but(controls=(COMPOSER,))


def message(number: int) -> SendMessage:
    return SendMessage(text=KINDS[("broken", "late")[number % 2]].format(NAMES[number % len(NAMES)], f"ORD-{100 + number}"))


SAMPLES = [Sample(f"C-{n}", page(n), (), message(n), "op1") for n in range(24)]
MEMORY = learn_memory(SAMPLES, past=True)
TEMPLATES = MEMORY.templates["send_message"]


@pytest.fixture(scope="module")
def replies() -> Replies:
    found = learn_replies(SAMPLES, TEMPLATES, embed)
    assert found is not None
    return found


class Author:
    """A scorer that writes what it is told to."""

    width = 0

    def __init__(self, text: str | Callable[[], str], whole: bool = True) -> None:
        self.text, self.whole = text, whole
        self.asked: list[str] = []

    def score(self, questions: object) -> list[list[list[float]]]:
        raise AssertionError("nothing but a text is asked for")

    def write(self, prompt: Tokens, most: int, language: Language) -> Written:
        self.asked.append(language.decode(prompt))
        return Written(self.text if isinstance(self.text, str) else self.text(), self.whole, 0.8)


def drafter(text: str | Callable[[], str], whole: bool = True) -> CausalDrafter:
    reach = Reach(budget=900, spelt=False)
    return CausalDrafter(CausalPolicy(Author(text, whole), lm.language(), MEMORY, Novelty([]), reach))


def drafted(replies: Replies, text: str | Callable[[], str], whole: bool = True) -> tuple[str | None, dict[str, int]]:
    """What is offered of a text for the page of a late order, and what became of it."""
    view, author = page(51), drafter(text, whole)
    found = author.draft(view, (), replies.suggest(view, (), embed, "op1"), replies)
    return (found.text if found is not None else None), dict(author.counts)


def test_a_draft_that_names_values_of_the_page_is_offered_with_them(replies: Replies) -> None:
    text = "I am sorry, {Name first}. Your order {Order number} comes soon."
    assert drafted(replies, text) == ("I am sorry, Deniz. Your order ORD-151 comes soon.", {"offered": 1})
    for same in ("Deniz, your order ORD-151 comes soon.", "Yes, yes, yes. Order ORD-151: please wait, Deniz, please wait."):
        assert drafted(replies, same)[0] == same


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Your order comes in 5 days.", "in particular"),
        ("Your order comes in five days.", "in particular"),
        ("Your order comes on 3 March.", "in particular"),
        ("We pay you $51.", "in particular"),
        ("Your order ORD-152 comes soon.", "in particular"),
        ("Monday it comes.", "in particular"),
        ("Your user name is adler7x.", "in particular"),
        ("Your user name is adlerin.", "in particular"),
        ("Please wait a little, Ana.", "in particular"),
        ("Please write to refunds@desk.example.", "in particular"),
        ("Please go to refunds.desk.example and wait.", "in particular"),
        ("€{Order number} comes soon.", "in particular"),
        ("Please wait, {Amount due}.", "does not have"),
        ("Please wait, {Name first", "unreadable"),
        ("", "unreadable"),
        ("...", "unreadable"),
        ("Please\x00wait.", "unreadable"),
        ("Please wait. " * 200, "too long"),
        ("Please send the ID, or the phone number, or the phone number, or the Phone number.", "over and over"),
        ("Please wait a little. Please wait a little. Please wait a little.", "over and over"),
        ("<html>a proxy's own page</html>", "unreadable"),
        ("Please wait.<|im_start|>", "unreadable"),
    ],
)
def test_a_draft_is_dropped_for_what_stands_nowhere_on_the_page(replies: Replies, text: str, why: str) -> None:
    offered, counts = drafted(replies, text)
    ((reason, count),) = counts.items()
    assert offered is None and why in reason and count == 1


def test_a_draft_that_does_not_end_is_dropped(replies: Replies) -> None:
    assert drafted(replies, "Please wait a", whole=False) == (None, {"it did not end within 120 tokens": 1})


def test_a_model_that_does_not_answer_drafts_nothing(replies: Replies) -> None:
    def fails() -> str:
        raise ServerError("no answer within 20 s")

    assert drafted(replies, fails) == (None, {"the model did not answer": 1})


def test_the_prompt_shows_past_replies_of_like_situations_with_their_values_by_name(replies: Replies) -> None:
    view, author = page(51), drafter("Please wait.")
    author.draft(view, (), replies.suggest(view, (), embed, "op1"), replies)
    scorer = author.policy.scorer
    assert isinstance(scorer, Author)
    (asked,) = scorer.asked
    assert "past replies:\n- Please wait a little, {Name first}. {Order number} comes soon.\n" in asked
    assert asked.index("past replies:") > asked.index("customer: Hello")


def test_a_page_over_the_budget_is_not_drafted_for(replies: Replies) -> None:
    view, author = page(51).but(notices=(Notice(kind="alert", text="The page says a lot."),) * 20), drafter("Please wait.")
    author.policy.reach = Reach(budget=64, spelt=False)
    assert author.draft(view, (), replies.suggest(view, (), embed), replies) is None
    assert dict(author.counts) == {"the page is over the budget": 1}


# What stands on the page


def ground(*texts: str, shown: tuple[str, ...] = ()) -> Ground:
    view = made.view(messages=texts).but(notices=(Notice(kind="alert", text="Offer 4711 ends"),))
    return Ground(view, sources(view), words(["Thank you. We will tell ID and ZIP code soon, please wait"]), shown)


def test_what_stands_on_the_page_may_be_said() -> None:
    for text in (
        "Thank you, Ada. ORD-100 comes.",
        "Thank you, Ada Byron (order #ORD-100)!",
        "Your ID? Please tell us. I'll wait.",
        "Offer 4711 ends soon, Ada's order too.",
        "Please wait until 3 May, thank you.",
        "The order is late. May we help?",
    ):
        assert ground("It was 3 May.").lacking(text) == ()


def test_whole_sentences_of_the_past_replies_that_were_shown_may_be_said() -> None:
    shown = ("Thank you, Ada. The money comes within five days.",)
    assert ground(shown=shown).lacking("The money comes within five days. Thank you, Ada.") == ()
    assert ground(shown=shown).lacking("The parcel comes within five days.") == ("five",)


@settings(deadline=None)
@given(
    st.integers(min_value=0), st.sampled_from(["", "$", "€", "-", "#", "ORD-"]), st.sampled_from(["", "%", ".5", "th", "'s"])
)
def test_no_number_that_the_page_does_not_have_may_be_said(number: int, before: str, after: str) -> None:
    written = f"{before}{number}{after}"
    allowed = written.removeprefix("#") in ("4711", "ORD-100", "ORD-100's")
    assert bool(ground().lacking(f"Please wait, {written} comes soon.")) != allowed


@settings(deadline=None)
@given(st.from_regex(r"[A-Z][a-z]{2,9}", fullmatch=True), st.booleans())
def test_no_name_that_the_page_does_not_have_may_be_said(name: str, first: bool) -> None:
    view = made.view(name="Ada Byron")
    known = Ground(view, sources(view), words(["thank you, soon"]), ())
    allowed = name in known.page or (first and name.casefold() in known.plain)
    assert bool(known.lacking(f"{name}, thank you" if first else f"thank you, {name}")) != allowed


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_told_of_and_filled_the_same_twice(text: str) -> None:
    found = sources(page(1))
    assert ground().lacking(text) == ground().lacking(text)
    once = filled(text, found)
    assert once is None or once == filled(text, found)
    if once is not None and readable(once):
        assert "{" not in once and "}" not in once


def test_values_by_name_come_back_as_they_were() -> None:
    for sample in SAMPLES:
        found = sources(sample.view)
        (text,) = [t for template in TEMPLATES if filled(t := named(template, found) or "", found) == sample.action.text]  # type: ignore[union-attr]
        assert "{Name first}" in text
    assert named(Template(pieces=("a {b} c",)), ()) is None
    assert len(set(slots(sources(page(1))).values())) == len(slots(sources(page(1))))


# Beside past replies


def test_a_draft_is_offered_after_the_policys_own_message_marked_and_critical(replies: Replies) -> None:
    written = SendMessage(text="Dear customer, it comes.")
    text = "Deniz, your order ORD-151 comes soon."
    policy = OfferingPolicy(ScriptedPolicy(lambda view, history: written), replies, embed, "op1", drafter(text))
    view = page(51)
    ranked = policy.propose(view, ())
    assert ranked[0].action == written
    (mine,) = [p for p in ranked if isinstance(p.action, SendMessage) and p.action.provenance.source == "generated"]
    assert isinstance(mine.action, SendMessage) and mine.action.text == text and mine.probability <= ranked[0].probability
    assert all(is_critical(view, p.action) for p in ranked)
    assert any(isinstance(p.action, SendMessage) and p.action.provenance.source == "template" for p in ranked)
    odds = [p.probability for p in ranked]
    assert odds == sorted(odds, reverse=True)
    decision = Gate("selective", critic=FixedCritic(1.0)).decide(view, (), ranked)
    assert (decision.kind, decision.code) == ("hand_off", "no_certificate")


def test_a_draft_that_says_what_is_offered_already_is_not_offered_again(replies: Replies) -> None:
    text = "Please wait a little, {Name first}. {Order number} comes soon."
    first = SendMessage(text="Wait.")
    policy = OfferingPolicy(ScriptedPolicy(lambda view, history: first), replies, embed, "op1", drafter(text))
    ranked = policy.propose(page(51), ())
    assert {p.action.provenance.source for p in ranked[1:] if isinstance(p.action, SendMessage)} == {"template"}


def test_operators_are_told_that_a_text_is_generated(replies: Replies) -> None:
    draft = drafter("Please wait, {Name first}.").draft(page(51), (), replies.suggest(page(51), (), embed), replies)
    assert draft is not None
    assert describe(draft.action) == "Send to the customer what the language model wrote: Please wait, Deniz."
    assert "language model" in origin_words(page(51), draft.action.provenance)
    assert "language model" not in describe(message(1))


def test_several_threads_may_ask_where_the_policy_may_be_asked_by_several(replies: Replies) -> None:
    assert isinstance(OfferingPolicy(lm.policy(), replies, embed), Concurrent)
    assert not isinstance(OfferingPolicy(ScriptedPolicy(lambda view, history: made.SUBMITS), replies, embed), Concurrent)


def test_nothing_is_foretold_by_messages_of_its_own_case() -> None:
    alone = [*SAMPLES, *(Sample("C-90", page(90, "lost"), (), SendMessage(text=t), "op1") for t in ("We seek it.",) * 3)]
    templates = learn_memory(alone, past=True).templates["send_message"]
    found = list(foretold(alone, templates, embed, 3))
    assert len(found) == len(alone)
    for one in found:
        texts = [other.text for other in one.others]
        if one.sample.case_id == "C-90":
            assert "We seek it." not in texts
        else:
            assert isinstance(one.sample.action, SendMessage) and one.sample.action.text == texts[0]


# The model itself


def test_a_model_writes_the_same_with_and_without_what_it_read_before() -> None:
    prompt = (*lm.language().before, *lm.language().encode("a page that is read, and its customer\n" * 3))
    engine = Engine(lm.model(), {"policy": None})
    fresh = engine.write(prompt, 12, lm.language())
    engine.score([])
    policy = lm.policy()
    policy.propose(made.view(), ())
    assert isinstance(policy.scorer, Engine)
    reading = policy.read(made.view(), ())
    assert reading is not None
    behind = (*reading.prompt.tokens, *lm.language().encode("reply:"))
    warm = policy.scorer.write(behind, 12, lm.language())
    assert policy.scorer.counts.reused > 0
    cold = Engine(lm.model(), {"policy": None}).write(behind, 12, lm.language())
    assert (warm.text, warm.whole) == (cold.text, cold.whole) and warm.probability == pytest.approx(cold.probability, abs=1e-4)
    assert 0 < fresh.probability <= 1 and engine.write(prompt, 12, lm.language()) == fresh
    with pytest.raises(ContextError, match="Lower `budget`"):
        engine.write(prompt, lm.SIZE.context, lm.language())


@pytest.mark.parametrize("plain", [False, True])
def test_a_server_writes_what_this_process_writes(plain: bool) -> None:
    prompt = (*lm.language().before, *lm.language().encode("a page that is read, and its customer\n" * 3))
    here = Engine(lm.model(), {"policy": None}).write(prompt, 12, lm.language())
    with completions({"policy": lm.model()}, lm.language(), plain=plain) as served:
        scorer = remote(served)
        there = scorer.write(prompt, 12, lm.language())
        scorer.client.close()
    assert (there.text, there.whole) == (here.text, here.whole)
    assert there.probability == pytest.approx(here.probability, abs=1e-4)


@pytest.mark.parametrize("fault", ["status", "garbage", "shape", "nan", "silent"])
def test_a_server_that_fails_drafts_nothing_after_one_try(replies: Replies, fault: str) -> None:
    view, waits = page(51), list[float]()
    with completions({"policy": lm.model()}, lm.language()) as served:
        author = drafter("")
        scorer = remote(served, waits, timeout=0.3 if fault == "silent" else 60.0)
        author.policy.scorer = scorer
        served.fault = fault
        policy = OfferingPolicy(ScriptedPolicy(lambda view, history: message(51)), replies, embed, "op1", author)
        ranked = policy.propose(view, ())
        scorer.client.close()
    assert dict(author.counts) == {"the model did not answer": 1} and len(served.requests) == 1 and not waits
    assert ranked[0].action == message(51)
    assert all(p.action.provenance.source != "generated" for p in ranked if isinstance(p.action, SendMessage))


# Learned from what operators wrote


TINY = lm.TINY.but(epochs=30, critic_epochs=2)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> EncoderSettings:
    return EncoderSettings(cache=tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, texts: EncoderSettings) -> Iterator[Path]:
    """A model that learned from 24 cases with a message and a click each."""
    folder = tmp_path_factory.mktemp("drafting")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scratch.SIZES, "tiny", lm.SIZE)
        train_policy(write_messages(folder / "traces"), folder / "model", TINY, encoder=texts)
        yield folder / "model"


def write_messages(folder: Path, cases: int = 24) -> Path:
    for number in range(cases):
        writer = TraceWriter(folder, f"C-{number}")
        writer.write(made.recorded(f"C-{number}", 0, message(number), page(number)).but(user="op1"))
        writer.close()
    return folder


def loaded(folder: Path, texts: EncoderSettings) -> Bundle:
    return bundle.load(folder, texts)


def test_a_causal_lm_offers_past_replies_and_drafts_what_operators_would_write(trained: Path, texts: EncoderSettings) -> None:
    model = loaded(trained, texts)
    assert model.replies is not None and model.meta.metrics["replies"] > 10 < model.meta.metrics["drafts"]
    assert {"replies.json", "replies.safetensors", "tokenizer.json"} <= set(model.meta.files)
    view = page(51)
    first, *others = model.offering("op1").propose(view, ())
    assert isinstance(first.action, SendMessage)
    author = model.drafter()
    assert author is not None
    assert model.texts is not None
    alike = model.replies.suggest(view, (), model.texts.embed, "op1")
    draft = author.draft(view, (), alike, model.replies)
    assert draft is not None and draft.text == "Please wait a little, Deniz. ORD-151 comes soon."
    again = loaded(trained, texts).offering("op1").propose(view, ())
    assert again == (first, *others)


def test_adapters_on_another_base_draft_too(trained: Path, texts: EncoderSettings, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(trained / store.BASE, base)
    shutil.copytree(trained / store.TOKENIZER, base, dirs_exist_ok=True)
    settings = TINY.but(base=str(base), epochs=1.0, drafts=0.5)
    train_policy(trained.parent / "traces", tmp_path / "model", settings, encoder=texts)
    model = loaded(tmp_path / "model", texts)
    assert not (tmp_path / "model" / store.BASE).exists() and 0 < model.meta.metrics["drafts"] < 15
    author, view = model.drafter(), page(51)
    assert author is not None and model.replies is not None and model.texts is not None
    alike = model.replies.suggest(view, (), model.texts.embed, "op1")
    once = author.draft(view, (), alike, model.replies)
    assert model.policy.propose(view, ()) and author.draft(view, (), alike, model.replies) == once
    assert sum(author.counts.values()) == 2 and "the model did not answer" not in author.counts


def test_damaged_replies_of_a_causal_lm_are_refused(trained: Path, texts: EncoderSettings, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "model")
    (tmp_path / "model" / "replies.json").write_text("{}")
    with pytest.raises(ModelError, match=r"replies\.json was changed"):
        loaded(tmp_path / "model", texts)


def test_no_drafts_are_learned_or_made_where_none_are_wanted(texts: EncoderSettings, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scratch.SIZES, "tiny", lm.SIZE)
        fewer = TINY.but(epochs=0.2, drafts=0.0)
        train_policy(write_messages(tmp_path / "traces", 8), tmp_path / "model", fewer, encoder=texts)
    model = loaded(tmp_path / "model", texts)
    assert model.replies is not None and model.drafter() is None and model.meta.metrics["drafts"] == 0


def test_a_model_without_past_replies_needs_no_text_encoder(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scratch.SIZES, "tiny", lm.SIZE)
        train_policy(lm.write_traces(tmp_path / "traces"), tmp_path / "model", TINY.but(epochs=0.2))
    model = bundle.load(tmp_path / "model")
    assert model.replies is None and model.texts is None and model.offering() is model.policy
    assert not (tmp_path / "model" / "replies.json").exists() and not model.meta.encoder_sha


def test_lessons_in_drafting_are_the_prompts_that_drafts_are_asked_with(replies: Replies) -> None:
    reach = Reach(budget=900, spelt=False)
    others = list(foretold(SAMPLES, TEMPLATES, embed, reach.alike))
    written = list(data.replies(others, TEMPLATES, reach))
    assert len(written) == len(others) == len(SAMPLES)
    lessons = list(data.drafts(written, MEMORY, lm.language(), reach))
    assert len(lessons) == len(written)
    author = drafter("Please wait.")
    author.draft(written[0].sample.view, (), others[0].others, replies)
    scorer = author.policy.scorer
    assert isinstance(scorer, Author)
    assert scorer.asked == [lm.language().decode(lessons[0].prompt)]
    assert lm.language().decode(lessons[0].answer).startswith(written[0].text)


def test_what_would_be_dropped_is_not_taught() -> None:
    promised = [
        Sample(s.case_id, s.view, (), SendMessage(text=f"It takes {n % 3 + 2} days."), "op1") for n, s in enumerate(SAMPLES)
    ]
    templates = learn_memory(promised, past=True).templates["send_message"]
    found = list(foretold(promised, templates, embed, 1))
    written = list(data.replies(found, templates, Reach(alike=1)))
    assert 0 < len(written) < len(found)
    assert all(reply.shown and reply.text == reply.shown[0].pieces[0] for reply in written)
