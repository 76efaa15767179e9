from __future__ import annotations

import pytest

from schema_extraction.profile import ControlPattern, MessageRegion, Profile
from tests.schema_extraction.pages import view_of

PROFILE = Profile(
    name="p",
    base_url="http://desk.test",
    messages=MessageRegion(region=ControlPattern(role="log", name="Conversation"), inbound="customer", outbound="agent"),
)


@pytest.mark.parametrize(
    "entries",
    [
        "<ol><li class=customer><span class=author>Mary</span> "
        '<time datetime="10:22">10:22</time><p>Hello,<br>refund please</p></li>'
        "<li class=agent><span class=author>Kim</span> <time>10:23</time><p>Sure</p></li><li><p>Case opened</p></li></ol>",
        "<article data-sender=customer><header><strong>Mary</strong> <time>10:22</time></header>"
        "<div>Hello,</div><div>refund please</div>"
        "</article><article data-sender=agent><header><strong>Kim</strong> <time>10:23</time></header>Sure</article>"
        "<article>Case opened</article>",
        '<div class="msg customer"><div class=sender>Mary</div>'
        "<div class=body>Hello,<br>refund please</div><span class=timestamp>10:22</span>"
        '</div><div class="msg agent"><div class=sender>Kim</div>'
        "<div class=body>Sure</div><span class=timestamp>10:23</span></div>"
        '<div class="msg"><div class=body>Case opened</div></div>',
    ],
)
def test_author_time_text_and_direction(entries: str) -> None:
    view = view_of(f"<div role=log>other</div><div role=log aria-label=Conversation>{entries}</div>", PROFILE)
    assert [(m.author, m.direction, m.text, m.time) for m in view.messages] == [
        ("Mary", "inbound", "Hello,\nrefund please", "10:22"),
        ("Kim", "outbound", "Sure", "10:23"),
        ("", "note", "Case opened", ""),
    ]


def test_direction_by_author() -> None:
    view = view_of(
        "<ul role=log aria-label=Conversation><li><b>Customer:</b> Hi</li><li><b>Agent:</b> Hello</li></ul>", PROFILE
    )
    assert [(m.direction, m.author, m.text) for m in view.messages] == [
        ("inbound", "Customer", "Hi"),
        ("outbound", "Agent", "Hello"),
    ]


def test_without_a_profile_the_first_log_is_read() -> None:
    view = view_of("<ol role=log><li class=incoming>Hi</li><li class=outgoing>Hello</li></ol>")
    assert [(m.direction, m.text) for m in view.messages] == [("inbound", "Hi"), ("outbound", "Hello")]


def test_an_empty_conversation() -> None:
    assert view_of("<div role=log aria-label=Conversation></div>", PROFILE).messages == ()


def test_buttons_in_an_entry_are_not_said() -> None:
    view = view_of("<ol role=log aria-label=Conversation><li class=customer><p>Hi</p><button>Copy</button></li></ol>", PROFILE)
    assert view.messages[0].text == "Hi"
    assert [control.name for control in view.controls] == ["Copy"]


def test_messages_are_not_prose_as_well() -> None:
    view = view_of("<ol role=log aria-label=Conversation><li class=customer>Hi there</li></ol>", PROFILE)
    assert "Hi there" not in " ".join(section.text for section in view.sections)
