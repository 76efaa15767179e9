from __future__ import annotations

from tests.schema_extraction.pages import view_of

TICKET = """<dl><dt>Requestors<dd>&lt;anna@mail.example&gt;</dl><div class=history>
<div class="transaction message odd"><div class=metadata><span class=actions><a href=/r>Reply</a></span>
<span class=date>Fri Mar 06 08:14:00 2026</span><span class=description>
<span class=user><a href=/u>&lt;anna@mail.example&gt;</a></span>
 - Ticket created</span></div><div class=content><table><tr><td>From:<td>anna@mail.example</table>
<div class=messagebody>Hello,<br><br>charged twice.</div></div></div>
<div class="transaction basics even"><div class=metadata><span class=date>Fri Mar 06 08:14:00 2026</span>
<span class=description><span class=user>The System</span> - Status changed from 'new' to 'open'</span></div>
<div class=content></div></div>
<div class="transaction message odd"><div class=metadata><span class=date>Fri Mar 06 09:30:00 2026</span>
<span class=description><span class=user>agent (Alex Weber)</span> - Correspondence added</span></div>
<div class=content><div class=messagebody>We look into it.<br>On Fri Mar 06 08:14:00 2026, anna@mail.example wrote:<br>
<div role=button>Show quoted text</div></div></div></div>
<div class="transaction message even"><div class=metadata><span class=date>Sat Mar 07 11:20:00 2026</span>
<span class=description><span class=user>maria</span> - Comments added</span></div>
<div class=content><div class=messagebody>Finance confirms.</div></div></div></div><p>Footer</p>"""


def mail(author: str, time: str, body: str) -> str:
    return f"<div class=email><div class=from>{author}</div><div class=date>{time}</div><div class=body>{body}</div></div>"


def test_a_ticket_history_without_roles() -> None:
    view = view_of(TICKET)
    assert [(m.author, m.direction, m.time, m.text) for m in view.messages] == [
        ("<anna@mail.example>", "inbound", "Fri Mar 06 08:14:00 2026", "Hello,\ncharged twice."),
        ("The System", "note", "Fri Mar 06 08:14:00 2026", "Status changed from 'new' to 'open'"),
        ("agent (Alex Weber)", "outbound", "Fri Mar 06 09:30:00 2026", "We look into it."),
        ("maria", "note", "Sat Mar 07 11:20:00 2026", "Finance confirms."),
    ]
    assert [fact.label for fact in view.facts] == ["Requestors"]
    assert [section.text for section in view.sections] == ["Footer"]


def test_a_mail_thread_without_what_it_quotes() -> None:
    view = view_of(
        "<div class=thread>"
        + mail("Anna Kern &lt;anna@mail.example&gt;", "Fri, Mar 6, 2026, 8:14 AM", "<p>Hello,</p><p>where is my parcel?</p>")
        + mail(
            "Support &lt;help@shop.example&gt;",
            "Fri, Mar 6, 2026, 9:30 AM (3 days ago)",
            "<div>It left today.</div><div class=gmail_quote><div class=gmail_attr>On Fri, Mar 6, 2026 Anna wrote:</div>"
            "<blockquote>Hello, where is my parcel?</blockquote></div>",
        )
        + mail(
            "Anna Kern &lt;anna@mail.example&gt;",
            "Sat, Mar 7, 2026, 7:02 PM",
            "Thanks!<br><br>On Fri, Mar 6, 2026 at 9:30 AM Support<br>&lt;help@shop.example&gt; wrote:<br>"
            "&gt; It left today.<br>&gt;",
        )
        + mail(
            "Support &lt;help@shop.example&gt;",
            "Sun, Mar 8, 2026, 10:00 AM",
            "<p>You are welcome.</p><div><b>From:</b> Anna Kern<br><b>Sent:</b> Saturday, March 7, 2026 7:02 PM<br>"
            "<b>To:</b> Support<br><b>Subject:</b> RE: Parcel</div><p>Thanks!</p>",
        )
        + "</div>"
    )
    assert [(m.direction, m.text) for m in view.messages] == [
        ("inbound", "Hello,\nwhere is my parcel?"),
        ("outbound", "It left today."),
        ("inbound", "Thanks!"),
        ("outbound", "You are welcome."),
    ]
    assert view.messages[0].author == "Anna Kern <anna@mail.example>"
    assert view.messages[1].time == "Fri, Mar 6, 2026, 9:30 AM (3 days ago)"


def test_comments_with_a_time_element_and_no_body() -> None:
    entry = (
        "<article class=comment><header><a class=author href=/u>{}</a> <time datetime={}>{}</time></header><p>{}</p></article>"
    )
    view = view_of(
        "<section>"
        + entry.format("Kim", "2026-03-06T08:14:00Z", "3 days ago", "First")
        + entry.format("Lee", "2026-03-06T09:14:00Z", "3 days ago", "Second")
        + "</section>"
    )
    assert [(m.author, m.time, m.text) for m in view.messages] == [
        ("Kim", "3 days ago", "First"),
        ("Lee", "3 days ago", "Second"),
    ]


def test_lists_of_cases_are_no_conversation() -> None:
    row = "<tr class=message><td class=from>Anna</td><td class=date>2026-03-06 08:14</td><td>Parcel</td></tr>"
    card = "<div class=card><span class=user>Anna</span> <span class=date>2026-03-06 08:14</span><h3>Parcel</h3></div>"
    view = view_of(f"<table class=messages><tr><th>From<th>At<th>Subject</tr>{row}{row}</table><main>{card}{card}</main>")
    assert view.messages == ()
    assert [len(table.rows) for table in view.tables] == [2]


def test_a_log_comes_before_a_history() -> None:
    view = view_of(TICKET + "<ol role=log><li class=incoming>Hi</ol>")
    assert [m.text for m in view.messages] == ["Hi"]
