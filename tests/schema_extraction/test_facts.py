from __future__ import annotations

import pytest

from tests.schema_extraction.pages import view_of
from tests.schema_extraction.timing import within


@pytest.mark.parametrize(
    "markup",
    [
        "<dl><dt>Status</dt><dd>In transit</dd><dt>Amount</dt><dd>$59.00</dd></dl>",
        "<dl><div><dt>Status</dt><dd><b>In</b> transit</dd></div><div><dt>Amount</dt><dd>$59.00</dd></div></dl>",
        "<table><tr><th>Status</th><td>In transit</td></tr><tr><th>Amount</th><td>$59.00</td></tr></table>",
        "<table><tr><th>Status</th><td>In transit</td><th>Amount</th><td>$59.00</td></tr></table>",
        "<table><tr><td>Status</td><td>In transit</td></tr><tr><td>Amount</td><td>$59.00</td></tr></table>",
        "<div><span class=label>Status</span><span class=value>In transit</span></div>"
        "<div><b>Amount</b> <span>$59.00</span></div>",
        "<p><b>Status:</b> In transit<br><b>Amount:</b> $59.00</p>",
        "<ul><li>Status: In transit</li><li>Amount: $59.00</li></ul>",
        "<table><tr><td colspan=2><img alt='Steps'></td></tr><tr><th>Status</th><td>In transit</td></tr>"
        "<tr><th>Amount</th><td>$59.00</td></tr></table>",
        "<div><label>Status</label> In transit</div><div><strong>Amount</strong> $59.00</div>",
        "<label>Status <input readonly value='In transit'></label><label>Amount <output>$59.00</output></label>",
    ],
)
def test_labels_with_values(markup: str) -> None:
    view = view_of(f"<h2>Order</h2>{markup}")
    assert [(fact.label, fact.value.raw) for fact in view.facts] == [("Status", "In transit"), ("Amount", "$59.00")]
    assert view.facts[1].value.number == 59.0
    assert [fact.section for fact in view.facts] == ["Order", "Order"]
    assert [fact.key for fact in view.facts] == ["/order/fact/status/0", "/order/fact/amount/0"]
    assert view.tables == ()


def test_a_term_with_several_descriptions() -> None:
    assert view_of("<dl><dt>Tags<dd>new<dd>urgent</dl>").facts[0].value.raw == "new, urgent"


def test_a_list_of_short_texts_is_a_value() -> None:
    view = view_of(
        "<div><div class=label><span>Services:</span></div>"
        "<div class=value><span><ul><li>Web shop<li>Mobile app</ul></span></div></div>"
        "<div><span class=title>Menu</span><ul><li><a href=/a>Start</a><li><a href=/b>Cases</a></ul></div>"
    )
    assert [(fact.label, fact.value.raw) for fact in view.facts] == [("Services", "Web shop, Mobile app")]


def test_a_caption_over_more_than_a_value_makes_no_fact() -> None:
    view = view_of(
        "<div><label>Earlier orders</label><div><div>"
        "<table><tr><th>Number<th>Total<tr><td>ORD-1<td>19.90</table></div></div></div>"
        "<div><span class=column-title>Approve</span><div><h3>Lamp</h3><div><label>Created</label> March 7</div></div></div>"
    )
    assert [(fact.label, fact.value.raw) for fact in view.facts] == [("Created", "March 7")]
    assert [table.headers for table in view.tables] == [("Number", "Total")]


def test_bold_words_that_begin_a_sentence_are_no_label() -> None:
    assert (
        view_of("<p><b>Note</b> that all of it counts</p><p><b>Sorry</b>, no</p><p><b>Stop</b> We are closed.</p>").facts == ()
    )


def test_fields_and_prose_are_no_facts() -> None:
    view = view_of(
        "<div><label for=a>City</label><input id=a value=Oslo></div>"
        "<p>Note: please look at all of it before you go on.</p><table><tr><td>City</td><td><input></td></tr></table>"
    )
    assert view.facts == ()


def test_a_fact_is_found_by_its_label_without_case() -> None:
    found = view_of("<dl><dt>Membership level:<dd>gold</dl>").fact("membership LEVEL")
    assert found is not None and found.value.raw == "gold"


def test_what_is_filled_in_behind_a_dialog_can_still_be_read() -> None:
    view = view_of(
        """<main><label>Resolution <select><option>Refunded</select></label><label>Note <input></label>
        <button>Close</button></main>
        <div role=dialog aria-modal=true aria-label=Sure><button>Yes</button></div>"""
    )
    assert [(fact.label, fact.value.raw) for fact in view.facts] == [("Resolution", "Refunded")]
    assert [section.text for section in view.sections] == [""]


def test_a_list_in_a_description_is_read_by_itself_and_once() -> None:
    view = view_of(
        """<dl><dt>Status</dt><dd>Open</dd><dt>Order</dt><dd>ORD-7731<dl><dt>Item</dt><dd>Lamp</dd><dt>Left</dt>
        <dd>4</dd></dl></dd><dt>Team</dt><dd>Support</dd></dl>"""
    )
    found = [(fact.label, fact.value.raw) for fact in view.facts]
    assert found == [("Status", "Open"), ("Order", "ORD-7731"), ("Team", "Support"), ("Item", "Lamp"), ("Left", "4")]


def test_lists_in_lists_are_read_in_time() -> None:
    with within(1):
        view = view_of("<dl><dt>Term<dd>Value" * 250)
        assert len(view.facts) == 250
