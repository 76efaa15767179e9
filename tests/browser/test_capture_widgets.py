"""Widgets as their libraries draw them, captured in a real browser."""

from __future__ import annotations

import pytest

from browser.capture import Sight, capture
from schema_extraction.extract import extract
from schema_extraction.live import Live
from schema_extraction.view import View
from tests.browser.reader import Reader, names

pytestmark = pytest.mark.browser


DRAWN_LIST = """<div><div style="width:0;height:0;overflow:hidden"><select id=s><option>Post<option selected>Van</select></div>
<div id=face><span>Van</span><b>\u25be</b></div><div style="display:none"><ul><li>Post</li><li>{last}</li></ul></div>
<input style="width:1px;height:1px;padding:0;border:0"></div>"""


def test_a_select_that_is_clipped_away_is_what_is_drawn_beside_it(reader: Reader) -> None:
    view = reader.view("<label for=s>Way</label>" + DRAWN_LIST.format(last="Van"))
    (control,) = view.controls
    assert (control.role, control.name, [option.label for option in control.options]) == ("combobox", "Way", ["Post", "Van"])
    assert control.value is not None and control.value.raw == "Van"
    assert reader.act(control.ref, "select_option", "Post") == ["Post"]


def test_a_clipped_select_that_nothing_is_drawn_for_is_not_seen(reader: Reader) -> None:
    assert reader.view(DRAWN_LIST.format(last="Something else")).controls == ()


def test_clickable_boxes_without_a_role(reader: Reader) -> None:
    view = reader.view(
        """<div style="cursor:pointer"><span>Open</span> it</div><div onclick="1">Go</div>
        <label style="cursor:pointer">L <input></label>
        <div>plain</div><div style="cursor:pointer"><button>Own</button></div>"""
    )
    assert [(control.role, control.name) for control in view.controls] == [
        ("button", "Open it"),
        ("button", "Go"),
        ("textbox", "L"),
        ("button", "Own"),
    ]


def test_buttons_by_their_class_and_toggles(reader: Reader) -> None:
    view = reader.view(
        """<style>.t::before{content:"";position:absolute;width:8px;height:8px;border-top:2px solid}</style>
        <x-trigger class=mdc-button><i>filter_list</i></x-trigger>
        <div class=btn>Save</div><span class=mdc-button__label>No</span><div class=button-row>No</div>
        <div class=radio-button><input type=radio aria-label=R></div>
        <span class=t data-toggle=collapse data-target=#b title="Toggle visibility"></span>
        <span data-toggle=collapse data-target=#b title="Not drawn"></span>
        <h2><a href=/3>Case 3</a> <a>Execute</a></h2><a tabindex=0>Plan</a>"""
    )
    assert names(view) == ["filter_list", "Save", "", "Toggle visibility", "Case 3", "Plan"]


def test_a_button_by_its_class_is_none_once_it_holds_a_control(reader: Reader) -> None:
    async def looks() -> tuple[View, View]:
        sight, live = Sight(reader.page), Live()
        live.read(await sight.look())
        await reader.page.evaluate("document.querySelector('i').innerHTML = '<button>Inner</button>'")
        return live.read(await sight.look()), extract(await capture(reader.page))

    reader.load("<p>x</p><div class=btn><span><i>Go</i></span></div>")
    followed, fresh = reader.portal.call(looks)
    assert names(followed) == names(fresh) == ["Inner"]


def test_a_heading_over_fields_that_changes_renames_all_of_them(reader: Reader) -> None:
    async def looks() -> tuple[View, View]:
        sight, live = Sight(reader.page), Live()
        live.read(await sight.look())
        await reader.page.evaluate("document.querySelector('#h').textContent = 'Group'")
        return live.read(await sight.look()), extract(await capture(reader.page))

    row = "<div><div><select>" + "<option>o</option>" * 40 + "</select></div><div><input></div></div>"
    reader.load(f"<p>x</p><div><div><div>Type</div><div id=h>User</div></div>{row * 5}</div>")
    followed, fresh = reader.portal.call(looks)
    assert names(followed) == names(fresh) == ["Type", "Group"] * 5


def test_a_sortable_column_is_a_button_and_a_header(reader: Reader) -> None:
    view = reader.view(
        """<table><tr><th style="cursor:pointer" title=1 aria-label="Click to sort by created"><span>Created</span></th><th>Task
        <th style="cursor:pointer"><button>Name</button><tr><td>March 9<td>Triage<td>Anna</table>"""
    )
    assert [(control.role, control.name) for control in view.controls] == [("button", "Created"), ("button", "Name")]
    assert view.tables[0].headers == ("Created", "Task", "Name")


def test_the_icon_in_a_label_is_no_button(reader: Reader) -> None:
    view = reader.view(
        """<label><span id=t>Username</span><i role=button tabindex=-1>account_box</i><input aria-labelledby=t></label>
        <i role=button tabindex=-1>today</i>"""
    )
    assert names(view) == ["Username", "today"]


def test_tooltips_of_hidden_graphics_name_their_links(reader: Reader) -> None:
    view = reader.view(
        """<a href=/e><svg width=9 height=9 aria-hidden=true data-original-title=Edit></svg></a>
        <a href=/v><span data-original-title="View"><svg width=9 height=9 aria-hidden=true></svg></span></a>
        <a href=/n><i aria-hidden=true title=Bell>b</i> News</a><p><svg width=9 height=9 title=Alone></svg>Text</p>"""
    )
    assert names(view) == ["Edit", "View", "News"]
    assert [section.text for section in view.sections] == ["Text"]


SELECT = """<style>select{position:absolute;width:1px;height:1px;opacity:0}</style><div><div class=label>Queue:</div><div><div>
<select><option value="">-<option value=1 selected>Billing</select>
<button role=combobox aria-owns=m aria-haspopup=listbox title=Billing>Billing</button>
<div style="display:none"><div role=listbox id=m><ul role=presentation></ul></div></div></div></div></div>"""


def test_a_select_drawn_over_by_a_button(reader: Reader) -> None:
    (control,) = reader.view(SELECT).controls
    assert (control.role, control.name, [option.label for option in control.options]) == ("combobox", "Queue", ["-", "Billing"])
    assert control.value is not None and control.value.raw == "Billing"
    reader.act(control.ref, "select_option", "")
    (control,) = reader.view().controls
    assert control.value is not None and control.value.raw == ""


FIELD = """<label for=c>Category</label><div><div id=face>Question</div>
<input id=c style="opacity:0;width:0;padding:0;border:0"></div><div id=anchor></div>"""
OPEN = """() => { document.querySelector("#anchor").innerHTML =
  '<div style="position:absolute"><div>Question</div><div>Refund</div></div>'; }"""


def test_a_field_drawn_by_the_text_beside_it(reader: Reader) -> None:
    (control,) = reader.view(f"<div>{FIELD}</div>").controls
    assert (control.role, control.name) == ("combobox", "Category")
    assert control.value is not None and control.value.raw == "Question"
    assert reader.act(control.ref, "get_attribute", "id") == "face"
    reader.run(OPEN)
    assert [option.label for control in reader.view().controls for option in control.options] == ["Question", "Refund"]


@pytest.mark.parametrize(
    "field",
    [
        "<label for=f>Attachment</label><input type=file id=f style='display:none'>",
        "<label>Attachment <input type=file style='opacity:0'></label>",
    ],
)
def test_a_file_field_behind_its_drawing(reader: Reader, field: str) -> None:
    (control,) = reader.view(field).controls
    assert (control.role, control.name) == ("file", "Attachment")


def test_a_list_that_nothing_links_to_its_button(reader: Reader) -> None:
    body = """<div><div role=button aria-haspopup=listbox aria-expanded=false aria-label=Priority tabindex=0>
    <span>Normal</span></div><div id=l style="display:none">
    <ul role=listbox><li role=option>Low<li role=option aria-selected=true>Normal</ul></div></div>"""
    for state in ("none", "block"):
        reader.load(body)
        reader.run(
            f"""() => {{ document.querySelector("#l").style.display = "{state}";
            document.querySelector("[role=button]").ariaExpanded = "{str(state == "block").lower()}"; }}"""
        )
        (control,) = reader.view().controls
        assert (control.role, control.name, len(control.options)) == ("combobox", "Priority", 2)
        assert control.value is not None and control.value.raw == "Normal"


def test_what_an_editor_asks_for_is_not_in_it(reader: Reader) -> None:
    text = "<body contenteditable class=placeholder>Type your message here</body>"
    for body in (
        f'<iframe title=Reply srcdoc="{text}"></iframe>',
        "<div contenteditable aria-label=Reply class=placeholder>Type</div>",
    ):
        reader.load(body)
        reader.portal.call(reader.page.wait_for_load_state, "load")
        (control,) = reader.view().controls
        assert control.value is not None and control.value.raw == "" and control.hint.startswith("Type")


def test_an_asterisk_kept_from_screen_readers_marks_a_required_field(reader: Reader) -> None:
    body = "<label for=a>Order<span aria-hidden=true>*</span></label><input id=a><label for=b>Note</label><input id=b>"
    assert [control.required for control in reader.view(body).controls] == [True, False]


DRAWN = (
    SELECT
    + """<div>
<label id=label for=c>Category</label><div><div id=face>Question</div>
<input id=c style="opacity:0;width:0;padding:0;border:0"></div><div id=anchor></div></div>
<iframe title=Reply srcdoc="<body contenteditable class=placeholder>Type here</body>"></iframe>"""
)
CHANGES = [
    "document.querySelector('select').value = ''; document.querySelector('[role=combobox]').textContent = '-'",
    "document.querySelector('[role=combobox]').remove()",
    "face.textContent = 'Refund'",
    "face.outerHTML = '<div>Fault</div>'",
    "label.style.display = 'none'",
    "anchor.innerHTML = '<div style=\"position:absolute\"><div>Question</div><div>Refund</div></div>'",
    "document.querySelector('iframe').contentDocument.body.className = ''",
    "document.querySelector('iframe').contentDocument.body.textContent = 'Dear Anna'",
]


@pytest.mark.parametrize("change", CHANGES)
def test_drawn_fields_that_change_are_read_as_at_first_sight(reader: Reader, change: str) -> None:
    reader.load(DRAWN)
    reader.portal.call(reader.page.wait_for_load_state, "load")
    sight, live = Sight(reader.page), Live()
    live.read(reader.portal.call(sight.look))
    reader.run(f"() => {{ const {{ face, label, anchor }} = window; {change} }}")
    assert live.read(reader.portal.call(sight.look)) == reader.view()
