"""Accessible names: the specification's order first, then what a person would read as the label."""

from __future__ import annotations

import pytest

from tests.schema_extraction.pages import only, view_of
from tests.schema_extraction.timing import within


@pytest.mark.parametrize(
    ("markup", "name"),
    [
        ('<span id=a>Billing</span> <b id=b>name</b><input aria-labelledby="a b" aria-label=No>', "Billing name"),
        ('<label for=x>No</label><input id=x aria-label="Full name">', "Full name"),
        ("<label for=x>Amount *</label><input id=x>", "Amount"),
        ("<label>Amount: <input></label>", "Amount"),
        ("<label>Reason <select><option>Late</select></label>", "Reason"),
        ("<label for=x>First</label><label for=x>name</label><input id=x>", "First name"),
        ("<button>Send <b>now</b></button>", "Send now"),
        ('<button aria-label="Close">×</button>', "Close"),
        ('<button><img src=x alt="Search"></button>', "Search"),
        ('<button><span aria-label="Unread">●</span> mail</button>', "Unread mail"),
        ("<a href=/x>Queue</a>", "Queue"),
        ("<input type=submit>", "Submit"),
        ("<input type=submit value='Sign in'>", "Sign in"),
        ("<input type=image alt=Go>", "Go"),
        ("<input title='Order number'>", "Order number"),
        ("<input placeholder='Order number'>", "Order number"),
        ("<div><span>Order number</span><input></div>", "Order number"),
        ("<div><div>Order number</div><div><input></div></div>", "Order number"),
        ("<p>Order number: <input></p>", "Order number"),
        ("<table><tr><th>Item<th>Count<tr><td>Shoes<td><input></table>", "Count"),
        ("<table><tr><td>Delivery date<td><input></table>", "Delivery date"),
        ("<form><p>A long explanation that says a lot about things but labels nothing.</p><input name=refundAmount></form>",
         "refund amount"),
        ("<div role=textbox contenteditable=true aria-label=Reply></div>", "Reply"),
        ("<button aria-haspopup=listbox aria-label=Team>Billing</button>", "Team"),
        ("<span id=l>Team</span><div role=combobox tabindex=0 aria-labelledby=l>Billing</div>", "Team"),
        ("<input aria-labelledby=gone placeholder=City>", "City"),
        ('<a href=/e><svg aria-hidden=true data-original-title="Edit"></svg></a>', "Edit"),
        ("<a href=/h><span data-original-title='View with headers'><svg></svg></span></a>", "View with headers"),
        ("<button><i class=icon aria-hidden=true title=Print></i></button>", "Print"),
        ("<button data-tooltip=Print>Now</button>", "Now"),
        ("<a href=/x title=Remove>×</a>", "Remove"),
        ("<button class='btn icon-trash'><svg></svg></button>", "trash"),
        ("<button class='btn icon-trash'>Remove</button>", "Remove"),
        ("<a href=/x>×</a>", "×"),
        ("<h3>People</h3>Find people whose<br><div><div><input name=UserString></div></div>", "Find people whose"),
        ("<div class=label>Starts:</div><div><div><div><div><input name=starts></div><div>(Not set)</div></div></div></div>",
         "Starts"),
        ("<h2>New order</h2><div><div><div><div><input name=amount></div></div></div></div>", "amount"),
    ],
)  # fmt: skip
def test_names(markup: str, name: str) -> None:
    assert only(view_of(markup)).name == name


@pytest.mark.parametrize(
    ("markup", "names"),
    [
        ("<label for=c><a href=/u>anna@mail.example</a></label> <input type=checkbox id=c>",
         ["anna@mail.example", "anna@mail.example"]),
        ("<label><input type=checkbox> I accept the <a href=/t>terms</a></label>", ["I accept the terms", "terms"]),
        ("<div class=label><a href=/s>Depends on:</a></div><div><input name=DependsOn></div>", ["Depends on", "Depends on"]),
        ("<div><a href=/home>Home</a><input placeholder=Search></div>", ["Home", "Search"]),
        ("<label><span id=t>Password</span><input aria-labelledby=t><button>visibility_off</button></label>",
         ["Password", "visibility_off"]),
        ("<label>Send <button>now</button></label>", ["Send"]),
        ("<div class=label>Worked:</div><div><div><p><input name=a></p><p><select><option>Minutes</select></p></div></div>",
         ["Worked", "Worked"]),
        ("<div><h3>Search</h3><div><input><input placeholder=City></div></div>", ["Search", "City"]),
        ("<form><p>Welcome back</p><div><input name=user></div><div><input name=code></div></form>", ["user", "code"]),
        ("<label for=a>From</label><input id=a><input name=until>", ["From", "until"]),
        ("<div><div>Type</div><div>User or group</div></div>"
         "<div><div><select><option>-</select></div><div><input></div></div>"
         "<div><div><select><option>-</select></div><div>maria</div></div>"
         "<div><div><select><option>-</select></div><div><input></div></div>",
         ["Type", "User or group", "Type", "Type", "User or group"]),
    ],
)  # fmt: skip
def test_names_by_looks_of_several_controls(markup: str, names: list[str]) -> None:
    assert [control.name for control in view_of(markup).controls] == names


def test_a_label_in_the_box_around_radios_names_them_all() -> None:
    group = only(
        view_of(
            """<div><label>Channel</label><div><input type=radio name=c id=a><label for=a>E-mail</label></div>
            <div><input type=radio name=c id=b><label for=b>Phone</label></div></div>"""
        )
    )
    assert (group.name, [option.label for option in group.options]) == ("Channel", ["E-mail", "Phone"])


def test_a_label_names_only_its_own_control() -> None:
    view = view_of("<div><label for=a>City</label><input id=a><input id=b></div>")
    assert [control.name for control in view.controls] == ["City", ""]


def test_a_name_does_not_change_with_the_value() -> None:
    first = only(view_of("<label>Reason <select><option selected>Late<option>Lost</select></label>"))
    second = only(view_of("<label>Reason <select><option>Late<option selected>Lost</select></label>"))
    assert (first.key, first.name) == (second.key, second.name)


def test_a_name_of_ornaments_is_read_in_time() -> None:
    with within(1):
        assert only(view_of(f"<button>x{'* ' * 100_000}x</button>")).name == "x"
