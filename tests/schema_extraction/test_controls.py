from __future__ import annotations

import pytest

from tests.schema_extraction.pages import only, view_of


@pytest.mark.parametrize(
    ("markup", "role"),
    [
        ("<input>", "textbox"),
        ("<input type=email>", "textbox"),
        ("<input type=search>", "searchbox"),
        ("<input type=number>", "spinbutton"),
        ("<input type=range>", "slider"),
        ("<input type=checkbox>", "checkbox"),
        ("<input type=file>", "file"),
        ("<input list=d><datalist id=d><option>a</datalist>", "combobox"),
        ("<textarea></textarea>", "textbox"),
        ("<select><option>a</select>", "combobox"),
        ("<select multiple><option>a</select>", "listbox"),
        ("<a href=/>x</a>", "link"),
        ("<details open><summary>More</summary></details>", "button"),
        ("<div role=switch aria-checked=true>On</div>", "switch"),
        ("<div role=button>Go</div>", "button"),
        ("<div contenteditable=true aria-label=Reply></div>", "textbox"),
    ],
)
def test_roles(markup: str, role: str) -> None:
    assert only(view_of(markup)).role == role


def test_things_without_use_are_no_controls() -> None:
    view = view_of("<a>no address</a><div>text</div><input type=hidden><div role=none>x</div><button hidden>x</button>")
    assert view.controls == ()


def test_state() -> None:
    view = view_of(
        """<form><label>Amount
        <input type=number min=0 max=50 required aria-describedby="h e" aria-invalid=true value=7></label>
        <small id=h>In dollars</small><span id=e class=error>Too low</span>
        <label><input type=checkbox checked> Verified</label>
        <fieldset disabled><label>City <input value=Oslo></label></fieldset>
        <button aria-pressed=true aria-expanded=false>Bold</button>
        <label>Password <input type=password value=secret></label>
        <label>Id <input readonly pattern="C-[0-9]+" minlength=3 maxlength=9 value=C-1></label></form>"""
    )
    amount, verified, city, bold, password, identity = view.controls
    assert (amount.required, amount.invalid, amount.message, amount.hint) == (True, True, "Too low", "In dollars")
    assert amount.value is not None and (amount.value.kind, amount.value.number) == ("money", 7.0)
    assert (amount.format.type, amount.format.min, amount.format.max) == ("number", "0", "50")
    assert verified.checked is True and verified.value is None
    assert city.disabled and city.value is not None and city.value.raw == "Oslo"
    assert (bold.checked, bold.expanded) == (True, False)
    assert password.sensitive and password.value is not None and password.value.raw == ""
    assert identity.readonly and identity.format.pattern == "C-[0-9]+"
    assert (identity.format.min_length, identity.format.max_length) == (3, 9)
    assert "secret" not in view.model_dump_json()


def test_a_native_select_has_all_its_options() -> None:
    control = only(
        view_of(
            "<label>Reason <select><option value=''>Choose…</option><optgroup label=A><option value=1>Late"
            "<option value=2 disabled>Lost</optgroup></select></label>"
        )
    )
    assert [(o.label, o.value, o.selected, o.disabled) for o in control.options] == [
        ("Choose…", "", True, False),
        ("Late", "1", False, False),
        ("Lost", "2", False, True),
    ]
    assert control.value is not None and (control.value.raw, control.value.kind) == ("", "choice")


def test_an_aria_combobox_has_the_options_of_its_closed_popup() -> None:
    control = only(
        view_of(
            """<span id=l>Team</span>
            <div role=combobox tabindex=0 aria-controls=p aria-expanded=false aria-labelledby=l>Choose…</div>
            <ul id=p role=listbox hidden><li role=option>Billing</li><li role=option aria-disabled=true>Tech</li></ul>"""
        )
    )
    assert (control.role, control.name, control.expanded) == ("combobox", "Team", False)
    assert [(option.label, option.disabled) for option in control.options] == [("Billing", False), ("Tech", True)]
    assert control.value is not None and control.value.raw == ""


def test_an_open_popup_is_part_of_its_combobox_and_not_a_control_beside_it() -> None:
    control = only(
        view_of(
            """<input role=combobox aria-label=Team aria-controls=p aria-expanded=true value=Tech>
            <ul id=p role=listbox><li role=option>Billing</li><li role=option aria-selected=true>Tech</li></ul>"""
        )
    )
    assert [option.selected for option in control.options] == [False, True]
    assert control.value is not None and control.value.raw == "Tech"
    assert all(option.ref for option in control.options)


def test_radios_make_one_group() -> None:
    view = view_of(
        """<h2>Task</h2><fieldset><legend>Outcome *</legend><label><input type=radio name=r value=a required> Refund</label>
        <label><input type=radio name=r value=b checked> Replace</label></fieldset>
        <div role=radiogroup aria-label=Speed><div role=radio aria-checked=true>Fast</div><div role=radio>Slow</div></div>"""
    )
    outcome, speed = view.controls
    assert (outcome.role, outcome.name, outcome.section, outcome.required) == ("radiogroup", "Outcome", "Task", True)
    assert [(option.label, option.selected) for option in outcome.options] == [("Refund", False), ("Replace", True)]
    assert outcome.value is not None and outcome.value.raw == "Replace"
    assert speed.name == "Speed" and speed.value is not None and speed.value.raw == "Fast"


def test_what_names_a_group_of_radios_is_no_prose() -> None:
    view = view_of(
        """<p>Choose well.</p><div role=radiogroup aria-labelledby=l><span id=l>Speed</span>
        <div role=radio aria-checked=true>Fast</div><div role=radio>Slow</div></div>"""
    )
    assert [control.name for control in view.controls] == ["Speed"]
    assert [section.text for section in view.sections if section.text] == ["Choose well."]


def test_tabs_and_their_panels() -> None:
    view = view_of(
        """<div role=tablist><button role=tab aria-selected=true>Details</button>
        <button role=tab aria-selected=false>History</button></div>
        <div role=tabpanel>shown</div><div role=tabpanel hidden><button>out</button></div>"""
    )
    assert [(control.role, control.name, control.checked) for control in view.controls] == [
        ("tab", "Details", True),
        ("tab", "History", False),
    ]


def test_controls_behind_a_modal_dialog_cannot_be_operated() -> None:
    view = view_of(
        """<main><dl><dt>Status<dd>Open</dl><button>Behind</button></main>
        <div role=dialog aria-modal=true aria-label="Close case"><p>Sure?</p><button>Yes</button></div>"""
    )
    assert [control.name for control in view.controls] == ["Yes"]
    assert view.fact("status") is not None
    assert view.dialog is not None and (view.dialog.name, view.dialog.kind, view.dialog.text) == ("Close case", "page", "Sure?")
    assert view.controls[0].section == "Close case"


def test_focus_names_a_control() -> None:
    markup = (
        '<html cp-date="2025-06-01"><body><label for="a">A</label><input id="a" cp-value="" cp-focus="true"/></body></html>'
    )
    assert view_of("").focus == ""
    from schema_extraction.extract import extract
    from schema_extraction.snapshot import FrameSnapshot, Snapshot
    from tests.schema_extraction.pages import TODAY

    view = extract(Snapshot(url="http://x/", today=TODAY, frames=(FrameSnapshot(html=markup),)))
    assert view.focus == "//textbox/a/0"


@pytest.mark.parametrize("number", ["²", "٣", "9" * 5000, "-1", "1e3", " 7 "])
def test_lengths_that_are_none_say_nothing(number: str) -> None:
    assert only(view_of(f"<label>Note <input maxlength='{number}' minlength='2'></label>")).format.max_length is None


def test_a_length_is_a_number() -> None:
    assert only(view_of("<label>Note <input maxlength=20></label>")).format.max_length == 20
