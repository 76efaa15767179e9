"""What an icon's id and class say of it."""

from __future__ import annotations

import pytest
from lxml import html

from schema_extraction.marks import marked


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ("<span id=open-search></span>", "open search"),
        ("<span class='float-right icon-trash'></span>", "trash"),
        ("<i class='fa fa-2x fa-paper-plane-o fa-fw'></i>", "paper plane"),
        ("<i class='active starToggle'></i>", "star toggle"),
        ("<i class='glyphicon glyphicon-remove'></i>", "remove"),
        ("<span id=row-7><svg></svg><i class='mdi mdi-pencil'></i></span>", "pencil"),
        ("<span id=r7x class=sc-kPhwpI><i class='mdi mdi-pencil'></i></span>", "pencil"),
        ("<span class='ml-2 css-19kzrtu d-flex hover:red selected'></span>", ""),
        ("<span></span>", ""),
    ],
)
def test_words_of_an_icon(markup: str, said: str) -> None:
    assert marked(html.fragment_fromstring(markup)) == said
