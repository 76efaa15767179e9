"""Links to cases: which links of a page differ only by an id, and what a case's address looks like."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from agent.profiling.seen import escaped
from agent.profiling.words import CASE_LINK, LIST, NEVER_FOLLOWED, NOT_A_CASE_LINK, PAGING
from schema_extraction.view import Control, Frozen, View

_ID = re.compile(r"\d+|[A-Za-z]{1,8}[-_]?\d{2,}|[A-Za-z]{1,8}-\d+|[0-9a-f]{12,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ACTING = re.compile(r"[?&](?:action|do|cmd|op|method|confirm)=", re.IGNORECASE)
WORTH = 6.0
"""A group of links that scores less is taken for something other than cases."""


class CaseLinks(Frozen):
    """Links that differ by an id. `head`: the address up to the id; `param`: the query parameter that holds it ("" where it is
    a part of the path); `tail`: what follows the id in most of them; `addresses`: one for each id."""

    head: str
    param: str
    tail: str
    addresses: dict[str, str]
    score: float

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.addresses)

    @property
    def path(self) -> str:
        """Address of a case with `{case_id}`."""
        return f"{self.head}?{self.param}={{case_id}}" if self.param else f"{self.head}{{case_id}}{self.tail}"


def local(href: str, page_url: str) -> str | None:
    """A link's path with its query, if it leads to another page of the same application."""
    here, there = urlsplit(page_url), urlsplit(href)
    if href.startswith("#") or (there.scheme and there.scheme not in ("http", "https")):
        return None
    if there.netloc and there.netloc != here.netloc:
        return None
    return (there.path or here.path) + (f"?{there.query}" if there.query else "")


def acting(href: str) -> bool:
    """Whether an address says that opening it does something: `/delete/5`, `?Action=Take`."""
    segments = urlsplit(href).path.partition(".")[0].split("/")
    return _ACTING.search(href) is not None or any(NEVER_FOLLOWED.fullmatch(segment) for segment in segments)


def harmless(control: Control) -> bool:
    """Whether a link may be opened to look: neither its words nor its address say that it does something. A link of many words
    is the subject of a case, whatever that says."""
    return not acting(control.href) and not (len(control.name.split()) < 4 and NEVER_FOLLOWED.search(control.name))


def lists(view: View, page_url: str) -> list[str]:
    """Addresses of links whose words speak of work lists, the likeliest first."""
    found: dict[str, int] = {}
    for control in view.controls:
        if control.role != "link" or not control.href or not harmless(control) or not LIST.search(control.name):
            continue
        address = local(control.href, page_url)
        if address and address != view.path and len(control.name) <= 40:
            found.setdefault(address, len(LIST.sub("", control.name)))
    return sorted(found, key=lambda address: found[address])


def _places(address: str) -> Iterator[tuple[tuple[str, str], str, str]]:
    """Everything in an address that looks like an id: (head, parameter), the id, the tail."""
    path, _, query = address.partition("?")
    segments = path.split("/")
    for number, segment in enumerate(segments):
        if _ID.fullmatch(unquote(segment)):
            tail = "/".join(["", *segments[number + 1 :]]) if segments[number + 1 :] else ""
            yield ("/".join([*segments[:number], ""]), ""), unquote(segment), tail
    for name, value in parse_qsl(query):
        if _ID.fullmatch(value) and not PAGING.search(name):
            yield (path, name), value, ""


def case_links(view: View, page_url: str) -> CaseLinks | None:
    """The links of a page that most look like links to cases, or None."""
    tabled = {row.href for table in view.tables for row in table.rows if row.href}
    groups: dict[tuple[str, str], list[tuple[str, str, str, Control]]] = {}
    for control in view.controls:
        if control.role != "link" or not control.href:
            continue
        address = local(control.href, page_url)
        if address is None:
            continue
        for group, case_id, tail in _places(address):
            groups.setdefault(group, []).append((case_id, tail, address, control))
    found = [made for group, links in groups.items() if (made := _made(group, links, tabled)) is not None]
    best = max(found, key=lambda made: made.score, default=None)
    return best if best is not None and best.score >= WORTH else None


def _made(group: tuple[str, str], links: list[tuple[str, str, str, Control]], tabled: set[str]) -> CaseLinks | None:
    head, param = group
    safe = [link for link in links if harmless(link[3])]
    addresses: dict[str, str] = {}
    for case_id, _, address, _ in safe or links:
        addresses.setdefault(case_id, address)
    if not safe or (len(addresses) == 1 and len({address for *_, address, _ in safe}) > 1):
        return None  # what looks like an id is the same in links that differ otherwise
    named = sum(_names(control, case_id) for case_id, _, _, control in safe) / len(safe)
    rows = sum(control.href in tabled for *_, control in safe) / len(safe)
    score = min(len(addresses), 20) + 10 * named + 5 * rows
    score += 5 if CASE_LINK.search(head.replace("/", " ").replace("-", " ").replace("_", " ")) else 0
    score -= 30 if NOT_A_CASE_LINK.search(head.replace("/", " ").replace("-", " ").replace("_", " ")) else 0
    tails = Counter(tail for _, tail, _, _ in safe)
    tail, count = tails.most_common(1)[0]
    tail = tail if count == len(safe) else "/" if all(one.endswith("/") for one in tails) else ""
    return CaseLinks(head=head, param=param, tail=tail, addresses=addresses, score=score)


def _names(control: Control, case_id: str) -> bool:
    """Whether a link's words say the id, alone or among others."""
    return re.search(rf"(?<!\w){re.escape(case_id)}(?!\w)", control.name) is not None


def id_group(ids: tuple[str, ...]) -> str:
    """A regular expression that finds such an id."""
    if all(one.isdecimal() for one in ids):
        return r"(\d+)"
    heads = {found[1] for one in ids if (found := re.fullmatch(r"([A-Za-z]+[-_]?)\d+", one))}
    if len(heads) == 1 and all(re.fullmatch(r"[A-Za-z]+[-_]?\d+", one) for one in ids):
        return rf"({heads.pop()}\d+)"
    return "([^/?#&]+)"


def id_regex(links: CaseLinks, case_pages: tuple[tuple[str, View], ...] = ()) -> str:
    """A regular expression whose first group finds the case id in an address. With the id in a query, other pages of the same
    folder that cases (address, view) link to with the same id count too."""
    group = id_group(links.ids)
    if not links.param:
        after = "(?:[/?#]|$)" if links.tail.startswith("/") else ""
        return escaped(links.head) + group + after
    folder = links.head.rpartition("/")[0] + "/"
    page = escaped(links.head)
    if folder != "/" and _sisters(links, case_pages, folder) > 1:
        page = escaped(folder) + r"[^?#]*"
    return rf"{page}\?(?:[^#]*&)?{escaped(links.param)}={group}"


def _sisters(links: CaseLinks, case_pages: tuple[tuple[str, View], ...], folder: str) -> int:
    """How many other pages of the folder the cases link to with their own id."""
    found = set()
    for url, view in case_pages:
        own = dict(parse_qsl(urlsplit(url).query)).get(links.param)
        for control in view.controls:
            address = local(control.href, url) if control.role == "link" and control.href else None
            path, _, query = (address or "").partition("?")
            if path.startswith(folder) and path != links.head and own and (links.param, own) in parse_qsl(query):
                found.add(path)
    return len(found)
