"""Fields that pages draw themselves, from HTML as a person's eyes sort it."""

from __future__ import annotations

import pytest

from schema_extraction.extract import extract
from schema_extraction.snapshot import FrameSnapshot, Snapshot
from schema_extraction.view import Control, View
from tests.schema_extraction.pages import TODAY, only, view_of


def written(body: str) -> View:
    """The view of what the serialiser wrote."""
    html = f'<html cp-date="2025-06-01">{body}</html>'
    return extract(Snapshot(url="http://desk.test/", today=TODAY, frames=(FrameSnapshot(html=html),)))


def held(control: Control) -> str:
    assert control.value is not None
    return control.value.raw


DRAWN_SELECT = """<body><div><div>Queue:</div><div><div>
<select cp-ref="e1" cp-drawn="e2" cp-value="1"><option value="">-</option>
<option value="1" cp-selected="true">Billing</option></select>
<button cp-ref="e2" role="combobox" aria-owns="m" aria-haspopup="listbox" title="Billing">Billing</button>
<div><div role="listbox" id="m"><ul role="presentation"><li><a role="option" cp-ref="e3">Billing</a></li></ul></div></div>
</div></div></div></body>"""


def test_a_select_and_what_is_drawn_in_its_place_are_one_control() -> None:
    control = only(written(DRAWN_SELECT))
    assert (control.ref, control.role, control.name, held(control)) == ("e1", "combobox", "Queue", "Billing")
    assert [option.label for option in control.options] == ["-", "Billing"]


LIST = """<div><div role=button aria-haspopup=listbox aria-labelledby="l t" tabindex=0 aria-expanded=false>
<span id=l>Priority</span><span id=t>{shown}</span></div><div style="display:none"><ul role=listbox>
<li role=option aria-selected=false>Low<li role=option aria-selected={marked}>Normal</ul></div></div>"""


def test_a_button_that_opens_the_list_beside_it() -> None:
    control = only(view_of(LIST.format(shown="Normal", marked="true")))
    assert (control.role, control.name, held(control)) == ("combobox", "Priority", "Normal")
    assert [option.label for option in control.options] == ["Low", "Normal"]
    control = only(view_of(LIST.format(shown="", marked="false")))
    assert (control.name, held(control), len(control.options)) == ("Priority", "", 2)


def test_a_caption_is_no_value() -> None:
    markup = (
        "<span id=l style='display:none'>Styles</span>"
        "<a role=button href='#' aria-haspopup=listbox aria-labelledby=l title=Styles><span>Styles</span></a>"
    )
    control = only(view_of(markup))
    assert (control.name, held(control)) == ("Styles", "")


@pytest.mark.parametrize(
    "markup",
    [
        "<div aria-invalid=true><div><label><span id=t>Answer due</span><input aria-labelledby=t></label>"
        "<div><div class=helper-text>Wrong.</div></div></div></div>",
        "<div><label class='text-field text-field--invalid'>Answer due <input></label></div><p>Else</p>",
        "<label for=o>Answer due</label><div><input id=o aria-describedby=e></div><div id=e class=field-error>Wrong.</div>",
        "<div><div>Answer due:</div><div><input><br><span class=cfinvalidfield>Wrong.</span></div></div>",
    ],
)
def test_a_field_is_refused_by_what_stands_around_it(markup: str) -> None:
    control = only(view_of(markup))
    assert (control.name, control.invalid) == ("Answer due", True)
    assert control.message == ("Wrong." if "Wrong." in markup else "")


def test_what_is_refused_is_a_notice_too() -> None:
    view = view_of("<div>Order number:</div><div><input value=1><br><span class=cfinvalidfield>Letters and digits</span></div>")
    assert [(notice.kind, notice.text) for notice in view.notices] == [("validation", "Letters and digits")]
    assert all("Letters" not in section.text for section in view.sections)


@pytest.mark.parametrize(
    "markup",
    [
        "<div><div>Order:</div><div><input><br><span class=cfhints>Letters and digits</span></div></div>",
        "<div><label>Order <input></label><div class=helper-text>Letters and digits</div></div>",
    ],
)
def test_help_below_a_field_is_its_hint(markup: str) -> None:
    control = only(view_of(markup))
    assert (control.name, control.invalid, control.message, control.hint) == ("Order", False, "", "Letters and digits")


def test_an_error_of_one_field_is_not_the_others() -> None:
    view = view_of("<form><div><label>A <input></label></div><div class=error><label>B <input></label> No.</div></form>")
    assert [control.invalid for control in view.controls] == [False, True]
    view = view_of("<div class=has-error><label>A <input></label><label>B <input></label><p>No.</p></div>")
    assert [control.invalid for control in view.controls] == [False, False]


DRAWN_FIELD = """<body><div><label for="c" cp-ref="e1">Category</label><div><div class="{looks}">Question</div>
<input id="c" cp-ref="e2" cp-value="" cp-drawn="e3"/><span class="select-arrow"/></div><div>{opened}</div></div>
<p>Behind</p></body>"""
OPENED = """<div cp-floating="true"><div class="item on" cp-clickable="true" cp-ref="e4">Question</div>
<div class="item" cp-clickable="true" cp-ref="e5">Refund</div></div>"""


def test_a_field_drawn_by_the_text_beside_it() -> None:
    view = written(DRAWN_FIELD.format(looks="display", opened=""))
    control = only(view)
    assert (control.ref, control.role, control.name, held(control)) == ("e3", "combobox", "Category", "Question")
    assert [section.text for section in view.sections] == ["Behind"]
    assert held(only(written(DRAWN_FIELD.format(looks="display select-placeholder", opened="")))) == ""


def test_the_list_that_stands_open_at_a_drawn_field() -> None:
    control = only(written(DRAWN_FIELD.format(looks="display", opened=OPENED)))
    assert [(option.label, option.ref, option.selected) for option in control.options] == [
        ("Question", "e4", True),
        ("Refund", "e5", False),
    ]


def test_a_text_field_drawn_as_a_select() -> None:
    body = """<body><div class="form-field-select"><label for="o" cp-required="true" cp-ref="e1">Order</label>
    <div><input id="o" cp-ref="e2" cp-value="" placeholder="Search"/><span class="select-arrow"/></div></div></body>"""
    control = only(written(body))
    assert (control.role, control.name, control.required, control.ref) == ("combobox", "Order", True, "e2")
    assert only(view_of("<div class=selected-order><label>Order <input></label></div>")).role == "textbox"


def test_chips_are_the_value_of_their_field() -> None:
    view = view_of(
        """<div><label for=t>Tags</label><div><div><div><span>Late</span><button title="Remove tag"></button></div>
        <div><span>Lost</span><button title="Remove tag"></button></div></div><input id=t placeholder=Search></div></div>"""
    )
    tags = view.controls[-1]
    assert (tags.role, tags.name, held(tags)) == ("combobox", "Tags", "Late, Lost")
    assert [control.name for control in view.controls[:-1]] == ["Remove tag", "Remove tag"]


def test_tokens_are_the_value_of_their_field() -> None:
    view = view_of(
        """<div><div>Requestors:</div><div><div><div class=item data-value=a@x><span>Alex (Weber)</span>
        <a href="#" title=Remove>×</a></div><div class=item data-value=b@x>Bo</div><input></div></div></div>"""
    )
    field = next(control for control in view.controls if control.role == "textbox")
    assert (field.name, held(field)) == ("Requestors", "Alex (Weber), Bo")


def test_what_shows_the_name_of_a_file_is_part_of_its_field() -> None:
    control = only(
        view_of(
            """<div><label><span id=l>Attachment</span><input tabindex=-1 aria-labelledby=l value=a.pdf></label>
            <input type=file name=attachment tabindex=-1></div>"""
        )
    )
    assert (control.role, control.name, held(control)) == ("file", "Attachment", "a.pdf")


def test_the_title_of_its_box_names_a_field_that_is_alone_there() -> None:
    card = "<div class=card><div class=card-header><span>Refresh</span></div><div><form><div>{}</div></form></div></div>"
    control = only(view_of(card.format("<select name=HomeRefreshInterval><option>Never</select>")))
    assert control.name == "Refresh"
    view = view_of(card.format("<input name=FirstOne><div><input name=second_one></div>"))
    assert [control.name for control in view.controls] == ["first one", "second one"]
