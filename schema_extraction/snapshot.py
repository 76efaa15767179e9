"""A snapshot: the rendered DOM of one page at one moment as compact HTML with its live state in attributes.

The in-page serialiser writes only what a person would see. It adds these attributes to its *output* (never to the page):

- `cp-ref`       on every element that can be operated or that labels something: names it in this snapshot
- `cp-value`     the live value of an input, textarea, select or contenteditable (never of a password)
- `cp-checked`   "true" or "false" for checkboxes, radios and switches
- `cp-selected`  on the selected options of a native select
- `cp-focus`     on the focused element
- `cp-sensitive` on password-type inputs
- `cp-clickable` on elements without a role that listen to clicks or show a pointer cursor
- `cp-date`      the capture day, on the root

Open shadow roots are inlined as `<cp-shadow>` children of their host, with slotted content in place; same-process iframes
as `<cp-frame name=...>`.
"""

from __future__ import annotations

from datetime import date

from schema_extraction.view import Frozen


class FrameSnapshot(Frozen):
    """One frame: `frame` is "" for the main frame, else its index among the page's frames, as a prefix of its refs."""

    frame: str = ""
    url: str = ""
    html: str


class Snapshot(Frozen):
    """`native_dialog` is the text of a browser dialog that stood open, or None."""

    url: str
    title: str = ""
    today: date
    frames: tuple[FrameSnapshot, ...]
    native_dialog: str | None = None
