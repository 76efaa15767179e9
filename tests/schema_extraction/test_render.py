from __future__ import annotations

from schema_extraction.render import render
from tests.schema_extraction.pages import view_of


def test_a_view_reads_section_by_section() -> None:
    text = render(
        view_of(
            """<h2>Order</h2><dl><dt>Amount<dd>$59.00</dl><p>Look first.</p><label>City <input value=Oslo required></label>
            <label>Reason <select><option>Late<option>Lost</select></label><form><button>Send</button></form>
            <ol role=log><li class=incoming><b class=author>Mary</b> Hi</li></ol><div role=alert>Oops</div>"""
        )
    )
    for line in (
        "Desk  /cases/C-1041?tab=1  2025-06-01",
        "ALERT Oops",
        "# Order",
        "  Look first.",
        "  Amount: '$59.00' (money 59)",
        "textbox 'City' = 'Oslo' required",
        "combobox 'Reason' = 'Late' {Late | Lost}",
        "button 'Send' critical",
        "  > Mary: Hi",
    ):
        assert line in text


def test_secrets_are_not_shown() -> None:
    assert "= (secret)" in render(view_of("<label>Password <input type=password value=hunter2></label>"))
