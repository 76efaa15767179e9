from __future__ import annotations

from schema_extraction.keys import slug
from tests.schema_extraction.pages import view_of

PAGE = """<h1>Case {id}: {name}</h1><section aria-label="{name}"><dl><dt>Customer name<dd>{name}<dt>Order<dd>{order}</dl>
<button>Call {name}</button><button>Refund {money}</button><button>Refund {money}</button></section>
<table><caption>Orders of {name}</caption><tr><th>ID<th>Total<tr><td><a href=/o>{order}</a><td>{money}</table>"""


def test_words_with_digits_are_left_out() -> None:
    assert slug("Task: Verify order ORD-10234 (3)") == "task-verify-order"


def test_keys_hold_no_case_data() -> None:
    first = view_of(PAGE.format(id="C-1", name="Mary Smith", order="ORD-1", money="$5.00"))
    second = view_of(PAGE.format(id="C-22", name="Juan Ortega", order="ORD-22", money="$17.50"))
    assert [c.key for c in first.controls] == [c.key for c in second.controls]
    assert [f.key for f in first.facts] == [f.key for f in second.facts]
    assert [t.key for t in first.tables] == [t.key for t in second.tables]


def test_equal_controls_are_told_apart_by_their_order() -> None:
    view = view_of("<h2>Lines</h2><button>Remove</button><button>Remove</button>")
    assert [control.key for control in view.controls] == ["/lines/button/remove/0", "/lines/button/remove/1"]


def test_a_control_keeps_its_key_when_others_come_and_go() -> None:
    few = view_of("<h2>Task</h2><label>Amount <input></label><button>Send</button>")
    more = view_of(
        "<h2>News</h2><button>Dismiss</button><h2>Task</h2><label>Reason <input></label>"
        "<label>Amount <input></label><button>Send</button>"
    )
    assert {control.key for control in few.controls} <= {control.key for control in more.controls}


def test_a_status_does_not_rename_a_section() -> None:
    view = view_of("<dl><dt>Status<dd>Open</dl><h2>Open tasks</h2><button>Go</button>")
    assert view.controls[0].key == "/open-tasks/button/go/0"
