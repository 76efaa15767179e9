from __future__ import annotations

from datetime import date

from schema_extraction.extract import extract
from schema_extraction.profile import CasePage, ClosedWhen, ControlPattern, Part, Profile, SliceField
from schema_extraction.static import snapshot_of_html
from tests.schema_extraction.pages import view_of

PROFILE = Profile(
    name="desk",
    base_url="http://desk.test",
    case=CasePage(path="/cases/{case_id}", id=r"/cases/(C-\d+)", closed_when=ClosedWhen(fact="Status", values=("Closed",))),
    slice=SliceField(fact="Process"),
    composites={
        "close_case": (
            Part(name="resolution", kind="value", control=ControlPattern(name="Resolution")),
            Part(name="submit", kind="click", control=ControlPattern(role="button", name="Close case")),
            Part(name="confirm", kind="click", control=ControlPattern(role="button", name="Yes.*")),
        )
    },
    critical=(ControlPattern(name="Pay"),),
    reversible=(ControlPattern(name="Search"), ControlPattern(role="tab")),
    ignore=(ControlPattern(role="link"),),
)
PAGE = """<dl><dt>Process<dd>Refund<dt>Status<dd>{status}</dl><a href=/work>Queue</a>
<form><label>Resolution <select><option>Refunded</select></label><button>Close case</button></form>
<form><button>Search</button><button>Complete</button><button type=button>Pay</button><button type=button>Look</button></form>
<form method=get><button>Find</button></form><button>Outside</button>"""


def test_parts_critical_and_ignored() -> None:
    view = view_of(PAGE.format(status="Open"), PROFILE)
    assert {control.name: (control.part, control.critical) for control in view.controls} == {
        "Resolution": ("close_case.resolution", False),
        "Close case": ("close_case.submit", True),
        "Search": ("", False),
        "Complete": ("", True),
        "Pay": ("", True),
        "Look": ("", False),
        "Find": ("", False),
        "Outside": ("", False),
    }
    assert view.part("close_case", "resolution") is not None
    assert view.part("close_case", "confirm") is None


def test_where_the_case_stands() -> None:
    view = view_of(PAGE.format(status="Open"), PROFILE)
    assert (view.case_id, view.slice, view.closed, view.profile) == ("C-1041", "Refund", False, "desk")
    assert view.path == "/cases/C-1041?tab=1"
    assert view_of(PAGE.format(status="closed"), PROFILE).closed


def test_the_confirmation_in_a_dialog_is_a_part() -> None:
    page = (
        PAGE.format(status="Open")
        + "<div role=dialog aria-modal=true aria-label=Sure><button type=button>Yes, close</button></div>"
    )
    view = view_of(page, PROFILE)
    assert [(control.name, control.part, control.critical) for control in view.controls] == [
        ("Yes, close", "close_case.confirm", True)
    ]


def test_without_a_profile_submits_are_critical() -> None:
    view = view_of("<form><button>Save</button><button type=button>Add line</button><input type=submit></form>")
    assert [control.critical for control in view.controls] == [True, False, True]


def test_what_may_be_missing_is_not_told() -> None:
    page = snapshot_of_html("<p>Hello</p>", "http://desk.test/cases/C-1041", date(2025, 6, 1))
    partial = page.but(missing=("the frame https://ads.test/1, which does not answer", "the frame /claims, which did not load"))
    profile = Profile.model_validate({**PROFILE.model_dump(), "may_miss": ["frame https://ads\\.test/"]})
    assert extract(partial).missing == partial.missing
    assert extract(partial, profile).missing == ("the frame /claims, which did not load",)


def test_one_button_is_another_part_on_another_page() -> None:
    update = ControlPattern(role="button", name="Update")
    shared = Profile(
        name="desk",
        base_url="http://desk.test",
        composites={
            "send_message": (Part(name="submit", kind="click", control=update, page="action=reply"),),
            "close_case": (Part(name="submit", kind="click", control=update, page="status=closed"),),
        },
    )
    pages = {query: snapshot_of_html("<button>Update</button>", f"http://desk.test/c/1?{query}") for query in (
        "action=reply", "action=comment&status=closed", "action=comment",
    )}  # fmt: skip
    found = {query: extract(snapshot, shared).controls[0] for query, snapshot in pages.items()}
    assert {query: (control.part, control.critical) for query, control in found.items()} == {
        "action=reply": ("send_message.submit", True),
        "action=comment&status=closed": ("close_case.submit", True),
        "action=comment": ("", False),
    }
