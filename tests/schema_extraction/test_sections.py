from __future__ import annotations

from tests.schema_extraction.pages import view_of


def sections(markup: str) -> dict[str, str]:
    return {section.name: section.text for section in view_of(markup).sections}


def test_prose_stands_with_its_heading() -> None:
    found = sections(
        """<h1>Case</h1><p>Intro <b>text</b>.</p><section aria-labelledby=t><h2 id=t>Verify order</h2><p>Check the date.</p>
        <form><label>Amount <input></label><button>Send</button></form><p>Then send.</p></section>"""
    )
    assert found == {"Case": "Intro text.", "Verify order": "Check the date.\nThen send."}


def test_text_of_controls_facts_and_tables_is_not_prose() -> None:
    found = sections(
        """<h2>All</h2><dl><dt>Status<dd>Open</dl><table><tr><th>A<th>B<tr><td>1<td>2</table><label for=x>City</label>
        <input id=x aria-describedby=h><p id=h>hint</p><div role=alert>Oops</div><button>Go</button>"""
    )
    assert found == {"All": ""}


def test_a_heading_speaks_for_its_box_alone() -> None:
    view = view_of("<main aria-label=Work><div class=card><h3>Order</h3><button>In</button></div><button>Out</button></main>")
    assert [control.section for control in view.controls] == ["Order", "Work"]


def test_a_header_box_heads_the_box_around_it() -> None:
    view = view_of(
        "<div class=card><div class=card-header><h3>Order</h3></div><div><button>In</button></div></div><button>Out</button>"
    )
    assert [control.section for control in view.controls] == ["Order", ""]


def test_nearest_name_wins() -> None:
    view = view_of(
        "<section aria-label=Task><h2>Step one</h2><button>A</button>"
        "<fieldset><legend>Address</legend><button>B</button></fieldset>"
        "<h2>Step two</h2><button>C</button></section>"
    )
    assert [control.section for control in view.controls] == ["Step one", "Address", "Step two"]


def test_words_of_neighbouring_blocks_do_not_run_together() -> None:
    assert sections("<h2>T</h2><div>one</div><div>two</div><span>th</span><span>ree</span>") == {"T": "one\ntwo\nthree"}


def test_the_title_of_a_card_heads_it() -> None:
    view = view_of(
        """<div class=card><div class="titlebox-title card-header"><span class=toggle></span><span class=left>The Basics</span>
        <span class=right>1.0</span></div><div class=card-body><p>Words</p><button>In</button></div></div>
        <div class=panel><div class=panel-heading>Dates</div><div><label>Due <input></label></div></div><button>Out</button>"""
    )
    assert [(control.name, control.section) for control in view.controls] == [
        ("In", "The Basics"),
        ("Due", "Dates"),
        ("Out", ""),
    ]
    assert [(section.name, section.text) for section in view.sections] == [("The Basics", "1.0\nWords"), ("Dates", "")]


def test_a_card_of_a_label_and_its_value_is_a_fact_without_a_section() -> None:
    view = view_of("<div class=card><div class=card-title>Open cases</div><div class=value>12</div></div>")
    assert [(fact.label, fact.value.raw) for fact in view.facts] == [("Open cases", "12")]
    assert view.sections == ()
