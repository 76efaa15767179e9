"""A snapshot: the rendered DOM of one page at one moment as compact HTML with its live state in attributes.

The in-page serialiser writes only what a person would see. It adds these attributes to its *output* (never to the page):

- `cp-ref`       on every element that can be operated or that labels something: names it in this snapshot
- `cp-value`     the live value of an input, textarea, select or contenteditable (never of a password)
- `cp-checked`   "true" or "false" for checkboxes, radios and switches
- `cp-selected`  on the selected options of a native select
- `cp-focus`     on the focused element
- `cp-sensitive` on password-type inputs
- `cp-invalid`   the browser's own validation message, on a native field that shows as invalid
- `cp-clickable` on elements without a role, and on column headers, that have an `onclick`, a tab stop, a pointer cursor, the
                 class of a button, or an attribute by which scripts open and shut boxes (data-toggle), or a handler of
                 clicks of their own and little in them: "handler" where they have one, "icon" where they are small and
                 without words as well, else "true"
- `cp-tip`       on an `img` that stands for an ornament in a control: its tooltip
- `cp-drawn`     on a select or text field without looks of its own: the ref of what is drawn in its place. A select that a
                 box clips away is written if a list of its options stands beside it
- `cp-floating`  on boxes with elements in them that are laid out over the page (position: absolute)
- `cp-required`  on labels with an asterisk that is kept from screen readers
- `cp-inert`     on what lies outside an open modal dialog: readable, but not operable
- `cp-block`     on inline tags that are laid out as blocks, so that their text does not run into their neighbours'
- `cp-total`     on a table or its body: its number of rows, when only the first are written
- `cp-first`     on the body of such a table: how many of its rows stand before the first that is written
- `cp-date`      the capture day, on the root

The markup is well formed, so that an XML parser reads exactly the tree that was written. Open shadow roots are inlined as
`<cp-shadow>` children of their host, with slotted content in place (ids of a shadow root or inner document get a prefix, as
do references to them); same-origin iframes as `<cp-frame name=...>`, cross-origin ones as an empty `<cp-frame>` and a
`FrameSnapshot` of their own. Hidden lists that a visible control points to (aria-controls, aria-owns, list) follow the body
in `<cp-popup>`, which has the id "cp-list-" and the ref of the control that opens it where the page does not link them (the
only list beside a control with aria-haspopup="listbox"); hidden labels (aria-labelledby) in `<cp-label>`.
"""

from __future__ import annotations

from datetime import date

from schema_extraction.view import Frozen


class FrameSnapshot(Frozen):
    """One frame: `frame` is "" for the main frame, else "f" and its index among the page's frames, the prefix of its refs.
    `owner` is the ref of the iframe element that holds it."""

    frame: str = ""
    url: str = ""
    html: str
    owner: str = ""


class Patch(Frozen):
    """A change of one element: `number` is its place among the elements of its frame, in the order in which they were written,
    those of earlier patches included; `html` what it is now, with `<cp-keep n="1,2,..."/>` for elements that are as they were.
    Empty: it is gone. Number 0 is the root: `html` is what follows the body."""

    number: int
    html: str


class Changes(Frozen):
    """What has changed on a page since the last capture: patches by frame, in order. `missing` as in a snapshot."""

    url: str
    title: str = ""
    today: date
    patches: tuple[tuple[str, Patch], ...]
    native_dialog: str | None = None
    missing: tuple[str, ...] = ()


class Snapshot(Frozen):
    """`native_dialog` is the text of a browser dialog that stood open, or None. `missing`: what a person would see and
    the frames do not hold, in words, such as a frame that did not answer."""

    url: str
    title: str = ""
    today: date
    frames: tuple[FrameSnapshot, ...]
    native_dialog: str | None = None
    missing: tuple[str, ...] = ()
