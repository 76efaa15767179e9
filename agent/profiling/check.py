"""A profile held against the live application: every part of it tried by looking. Nothing is pressed but the sign-in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Literal

from rich.markup import escape
from rich.table import Table

from agent.profiling.clicks import critical
from agent.profiling.draft import behind_reply, see, spread
from agent.profiling.links import harmless, local
from agent.profiling.picture import Shot, shoot
from agent.profiling.seen import CHOICE_ROLES, TEXT_ROLES, Seen, shown
from agent.profiling.signin import asks
from agent.settings import Credentials
from agent.worklist import on_page
from browser.errors import PageError, SignInError
from browser.page import CasePage, new_case_page
from browser.session import Browser
from schema_extraction.extract import extract
from schema_extraction.profile import ControlPattern, Login, Part, Profile
from schema_extraction.snapshot import Snapshot
from schema_extraction.talk import talk_of
from schema_extraction.view import Control, Frozen, View

Level = Literal["ok", "warning", "fail"]
_MARKS: dict[Level, str] = {"ok": "[green]OK[/]", "warning": "[yellow]warning[/]", "fail": "[red]fail[/]"}
NAMED = 6
"""So many names are listed of what a page has instead."""


class Finding(Frozen):
    """What came of one part of a profile. `todo`: what to do next, "" where nothing is."""

    level: Level
    field: str
    found: str
    todo: str = ""


class Checked(Frozen):
    """All findings, and pictures of the pages that were opened."""

    findings: tuple[Finding, ...]
    shots: tuple[Shot, ...] = ()

    @property
    def ok(self) -> bool:
        return all(finding.level != "fail" for finding in self.findings)

    def count(self, level: Level) -> int:
        return sum(finding.level == level for finding in self.findings)


class Opened(Frozen):
    """A case page as it was opened: without the profile, and with it. `via`: see `Seen`."""

    case_id: str
    snapshot: Snapshot
    plain: Seen
    view: View


def report(checked: Checked) -> Table:
    """The findings as a table."""
    table = Table(title="casepilot profile check")
    for heading in ("", "Field", "Found", "What to do"):
        table.add_column(heading, overflow="fold")
    for one in checked.findings:
        table.add_row(_MARKS[one.level], escape(one.field), escape(one.found), escape(one.todo))
    return table


def said(pattern: ControlPattern) -> str:
    """`{role: button, name: Send}`."""
    return "{" + ", ".join(f"{name}: {value}" for name, value in pattern.model_dump().items() if value) + "}"


def matching(pattern: ControlPattern, views: Iterable[View]) -> list[Control]:
    return [control for view in views for control in view.controls if pattern.matches(control)]


def _instead(pattern: ControlPattern, views: Sequence[View]) -> str:
    """What stands there that the pattern may have meant."""
    roles = {pattern.role} if pattern.role else {"textbox", "combobox", "button"}
    names = list(dict.fromkeys(one.name for view in views for one in view.controls if one.role in roles and one.name))
    near = get_close_matches(pattern.name, names, n=1, cutoff=0.5)
    kind = pattern.role or "control"
    if near:
        return f"The nearest {kind} is called {near[0]!r}; correct the name."
    if names:
        return f"Each {kind} there: {', '.join(map(repr, names[:NAMED]))}{', ...' if len(names) > NAMED else ''}."
    return f"There is no {kind} at all; look at the page with `casepilot extract`."


def field_finding(field: str, pattern: ControlPattern, view: View) -> Finding:
    """Whether a pattern of the sign-in form matches one control."""
    found = matching(pattern, [view])
    if not found:
        return Finding(level="fail", field=field, found=f"nothing matches {said(pattern)}", todo=_instead(pattern, [view]))
    if len(found) > 1:
        return Finding(
            level="warning",
            field=field,
            found=f"{len(found)} controls match: {', '.join(map(shown, found[:3]))}",
            todo="The first is taken; make the pattern fit only the right one.",
        )
    return Finding(level="ok", field=field, found=shown(found[0]))


def part_finding(action: str, parts: Sequence[Part], number: int, pages: Sequence[Seen]) -> Finding:
    """Whether a part of a composite action matches one control of a page that was opened."""
    part = parts[number]
    field = f"composites.{action}.{part.name}"
    most: list[Control] = []
    where = pages[0] if pages else None
    for page in pages:
        found = matching(part.control, [page.view])
        if found and (not most or len(found) < len(most)):
            most, where = found, page
    if not most or where is None:
        return _absent(field, parts, number, pages)
    via = f", behind the link {where.via!r}" if where.via else ""
    if len(most) > 1:
        sections = dict.fromkeys(one.section for one in most)
        hint = "Add `section`" if len(sections) > 1 else "Make the name fit only one"
        names = ", ".join(f"{shown(one)} in {one.section!r}" for one in most[:3])
        todo = f"{hint}; the first that is not disabled would be taken."
        return Finding(level="warning", field=field, found=f"{len(most)} controls match: {names}", todo=todo)
    (one,) = most
    wrong = _wrong_kind(part, one)
    if wrong:
        return Finding(level="fail", field=field, found=shown(one) + via, todo=wrong)
    return Finding(level="ok", field=field, found=shown(one) + via)


def _wrong_kind(part: Part, control: Control) -> str:
    if part.kind == "value" and control.role in ("button", "link", "tab"):
        return f"A {control.role} takes no value; use `kind: click`, or name the field."
    if part.kind == "click" and control.role in TEXT_ROLES | CHOICE_ROLES:
        return f"A {control.role} is not pressed to send; use `kind: value`, or name the button."
    return ""


def _absent(field: str, parts: Sequence[Part], number: int, pages: Sequence[Seen]) -> Finding:
    part = parts[number]
    for page in pages:
        for dialog in page.dialogs:
            if any(part.control.matches(_button(name)) for name in dialog.buttons):
                found = f"not visible now: a button of the dialog {dialog.title!r}, which the page keeps ready"
                return Finding(level="ok", field=field, found=found)
    views = [page.view for page in pages]
    buttons = [one.name for view in views for one in view.controls if one.role == "button"]
    misspelt = get_close_matches(part.control.name, buttons, n=1, cutoff=0.7)
    if part.kind == "click" and any(before.kind == "click" for before in parts[:number]) and not misspelt:
        todo = "It should come in a dialog after the click before it; do that once in a test case and look."
        return Finding(level="warning", field=field, found=f"not visible now: nothing matches {said(part.control)}", todo=todo)
    found = f"nothing matches {said(part.control)} on {len(pages)} pages of cases"
    todo = _instead(part.control, views) + " If it shows only at some steps of a case, check with --case."
    return Finding(level="fail", field=field, found=found, todo=todo)


def _button(name: str) -> Control:
    return Control(ref="", key="", role="button", name=name)


def closed_finding(profile: Profile, cases: Sequence[Opened]) -> Finding:
    """Whether the fact that tells of the end is on every case, and does not tell of it yet."""
    field = "case.closed_when"
    wanted = profile.case.closed_when if profile.case else None
    if wanted is None:
        todo = "Name the fact: {fact: Status, values: [Closed]}. Without it no case is known to be over."
        return Finding(level="warning", field=field, found="not given", todo=todo)
    lacking = [case for case in cases if case.view.fact(wanted.fact) is None]
    if lacking:
        labels = list(dict.fromkeys(fact.label for case in lacking for fact in case.view.facts))
        near = get_close_matches(wanted.fact, labels, n=1, cutoff=0.5)
        todo = f"Did you mean {near[0]!r}?" if near else f"Facts there: {', '.join(map(repr, labels[:NAMED])) or 'none'}."
        return Finding(level="fail", field=field, found=f"no fact {wanted.fact!r} on case {lacking[0].case_id}", todo=todo)
    values = Counter(fact.value.raw for case in cases if (fact := case.view.fact(wanted.fact)) is not None)
    told = ", ".join(f"{value!r} ({count})" for value, count in values.items())
    over = [case.case_id for case in cases if case.view.closed]
    if over:
        todo = "Open cases are meant to be on the work list; correct `values`, or `work_list`."
        return Finding(level="warning", field=field, found=f"{told}: counts as over for {', '.join(over)}", todo=todo)
    return Finding(level="ok", field=field, found=f"{wanted.fact}: {told}, so none counts as over")


def messages_finding(profile: Profile, cases: Sequence[Opened]) -> Finding:
    """Whether the conversation is found, and who speaks in it."""
    told = Counter(message.direction for case in cases for message in case.view.messages)
    count = sum(told.values())
    directions = ", ".join(f"{number} {name}" for name, number in told.items())
    wanted = profile.messages
    if wanted is None:
        if count:
            return Finding(level="ok", field="messages", found=f"not given; {count} messages found all the same: {directions}")
        todo = "If cases have a conversation, name its region."
        return Finding(level="warning", field="messages", found="not given, and no conversation found", todo=todo)
    region = said(wanted.region)
    without = [case.case_id for case in cases if talk_of(case.snapshot, profile) is None]
    if len(without) == len(cases):
        plain = next((case.plain.talk for case in cases if case.plain.talk is not None), None)
        todo = (
            f"A {plain.role} called {plain.name!r} looks like it; name that."
            if plain is not None and plain.role
            else "Name the region by its ARIA role and name, or leave `messages` away where entries are dated."
        )
        return Finding(level="fail", field="messages", found=f"no region matches {region}", todo=todo)
    if not count:
        todo = "Check with a case in which somebody has written (--case)."
        return Finding(level="warning", field="messages", found=f"region {region} is there, without messages", todo=todo)
    found = f"{count} messages on {len(cases)} cases: {directions}"
    missing = [name for name in ("inbound", "outbound") if name not in told]
    if "inbound" in missing:
        marks = [entry.marks for case in cases if case.plain.talk for entry in case.plain.talk.entries]
        todo = (
            f"No entry matches `inbound`; the first says {marks[0]!r}." if marks else "No entry matches `inbound`; correct it."
        )
        return Finding(level="fail", field="messages", found=found, todo=todo)
    if missing:
        todo = "No entry of ours was met; check `outbound` with a case that was answered (--case)."
        return Finding(level="warning", field="messages", found=found, todo=todo)
    return Finding(level="ok", field="messages", found=found)


def click_findings(profile: Profile, pages: Sequence[Seen], lists: Sequence[Seen] = ()) -> list[Finding]:
    """Which patterns of `critical`, `reversible` and `ignore` match, and what looks critical and is not named."""
    views = [page.view for page in pages]
    ready = [_button(name) for page in pages for dialog in page.dialogs for name in dialog.buttons]
    found = []
    for name in ("critical", "reversible", "ignore"):
        patterns: tuple[ControlPattern, ...] = getattr(profile, name)
        where = [*views, *(page.view for page in lists)]
        met = {pattern: len(matching(pattern, where)) for pattern in patterns}
        hidden = {pattern for pattern in patterns if not met[pattern] and any(pattern.matches(one) for one in ready)}
        idle = [pattern for pattern in patterns if not met[pattern] and pattern not in hidden]
        if patterns and len(idle) < len(patterns):
            told = f"{len(patterns) - len(idle)} of {len(patterns)} patterns match, {sum(met.values())} controls in all"
            found.append(Finding(level="ok", field=name, found=told))
        for pattern in idle:
            todo = "It may belong to a step that was not met; if not, correct it or take it out."
            found.append(Finding(level="warning", field=name, found=f"nothing matches {said(pattern)}", todo=todo))
    parts = [(action, part) for action, some in profile.composites.items() for part in some if part.kind == "click"]
    for action, part in parts:
        for one in matching(part.control, views):
            if any(pattern.matches(one) for pattern in profile.reversible):
                todo = "Take it out of `reversible`: what sends an action off is critical."
                found.append(Finding(level="fail", field="reversible", found=f"{shown(one)} sends {action}", todo=todo))
                break
    named = [*profile.critical, *profile.reversible, *profile.ignore, *(part.control for _, part in parts)]
    for guess in critical(pages, named):
        if guess.why != "sends a form":
            todo = "Add it to `critical`, or to `reversible` if it only shows something."
            found.append(Finding(level="warning", field="critical", found=f"{said(guess.pattern)}: {guess.why}", todo=todo))
    return found


def slice_finding(profile: Profile, cases: Sequence[Opened]) -> Finding:
    """Whether the fact that names the kind of a case is there."""
    if profile.slice is None:
        todo = "Name the fact that tells of what kind a case is; thresholds are kept for each."
        return Finding(level="warning", field="slice", found="not given", todo=todo)
    values = Counter(case.view.slice for case in cases)
    if not any(values):
        labels = list(dict.fromkeys(fact.label for case in cases for fact in case.view.facts))
        near = get_close_matches(profile.slice.fact, labels, n=1, cutoff=0.5)
        if near and near[0].casefold() == profile.slice.fact.casefold():
            todo = "It is there and empty; check with other cases (--case)."
            return Finding(level="warning", field="slice", found=f"fact {profile.slice.fact!r} says nothing", todo=todo)
        todo = f"Did you mean {near[0]!r}?" if near else f"Facts there: {', '.join(map(repr, labels[:NAMED])) or 'none'}."
        return Finding(level="fail", field="slice", found=f"no fact {profile.slice.fact!r}", todo=todo)
    told = ", ".join(f"{value or 'nothing'!r} ({count})" for value, count in values.items())
    return Finding(level="ok", field="slice", found=f"{profile.slice.fact}: {told}")


class _Check:
    """Goes through the application page by page."""

    def __init__(self, profile: Profile, count: int, wanted: Sequence[str], pictures: bool) -> None:
        self.profile = profile
        self.count = count
        self.wanted = list(wanted)
        self.pictures = pictures
        self.findings: list[Finding] = []
        self.shots: list[Shot] = []
        self.behind: list[Seen] = []
        self.tasks: list[Seen] = []
        self.lists: list[Seen] = []
        self.addresses: dict[str, str] = {}

    def add(self, level: Level, field: str, found: str, todo: str = "") -> None:
        self.findings.append(Finding(level=level, field=field, found=found, todo=todo))

    async def _shoot(self, page: CasePage, seen: Seen, title: str) -> None:
        if self.pictures:
            self.shots.append(await shoot(page.page, seen, title))

    async def sign_in(self, page: CasePage, login: Login, credentials: Credentials | None) -> bool:
        """Whether the work can go on behind the sign-in."""
        try:
            await page.goto(login.path)
            seen = await see(page)
        except PageError as error:
            self.add("fail", "login.path", str(error), "Correct `base_url` or `login.path`.")
            return False
        found = [field_finding(f"login.{name}", getattr(login, name), seen.view) for name in ("username", "password", "submit")]
        self.findings += found
        await self._shoot(page, seen, "Sign-in")
        if credentials is None:
            self.add("warning", "login", "not tried", "Give --user, and the password in CASEPILOT_PASSWORD, to check the rest.")
            return False
        if any(one.level == "fail" for one in found):
            return False
        try:
            await page.sign_in(credentials.username, credentials.password.get_secret_value())
        except (SignInError, PageError) as error:
            self.add("fail", "login", str(error), "Try the same user name and password in a browser.")
            return False
        self.add("ok", "login", f"signed in as {credentials.username!r}")
        return True

    async def work_list(self, page: CasePage) -> list[str]:
        """The cases that the list's first page links to."""
        listing = self.profile.work_list
        if listing is None:
            self.add("warning", "work_list", "not given", "Name it, or give every run its cases with --case.")
            return []
        try:
            await page.goto(listing.path)
            seen = await see(page)
        except PageError as error:
            self.add("fail", "work_list.path", str(error), "Correct `work_list.path`.")
            return []
        await self._shoot(page, seen, "Work list")
        self.lists.append(seen)
        if asks(seen.view):
            self.add("fail", "work_list.path", f"{seen.view.path!r} wants a login", "Give --user, and `login` in the profile.")
            return []
        ids, following = on_page(await page.snapshot(), self.profile)
        for one in seen.view.controls:
            address = local(one.href, seen.url) if one.role == "link" and one.href and harmless(one) else None
            if address and (case_id := self.profile.case_id(address)):
                self.addresses.setdefault(case_id, address)
        if not ids:
            links = [one.href for one in seen.view.controls if one.role == "link" and one.href]
            some = ", ".join(map(repr, links[-3:]))
            todo = f"Links there lead to {some or 'nowhere'}; correct `work_list.path` or `case.id`, or check with --case."
            self.add("fail", "work_list", f"{seen.view.path!r} opens, and no link on it has a case id", todo)
            return []
        more = ", and there is a next page" if following else ""
        self.add(
            "ok",
            "work_list",
            f"{len(ids)} cases on the first page ({', '.join(ids[:3])}{', ...' if len(ids) > 3 else ''}){more}",
        )
        return ids

    async def open_cases(self, page: CasePage, ids: Sequence[str]) -> list[Opened]:
        """Open some of the cases by their address."""
        opened = []
        for case_id in self.wanted or spread(ids, self.count):
            try:
                await page.open_case(case_id)
                snapshot = await page.snapshot()
                plain = await see(page)
            except PageError as error:
                self.add("fail", "case.path", str(error), "Correct `case.path`.")
                continue
            view = extract(snapshot, self.profile)
            if view.case_id != case_id:
                met = f"{view.path!r} has the case id {view.case_id!r}" if view.case_id else f"no case id in {view.path!r}"
                self.add("fail", "case.id", f"{met} where {case_id!r} was opened", "Correct `case.path` or `case.id`.")
                continue
            if view.missing:
                todo = "What may be missing without harm goes into `may_miss`."
                self.add("warning", "may_miss", "; ".join(view.missing), todo)
            opened.append(Opened(case_id=case_id, snapshot=snapshot, plain=plain, view=view))
            await self._shoot(page, plain, f"Case {case_id}")
            await self._task(page, case_id, plain)
            if len(opened) == 1:
                await self._behind(page, plain)
        if opened:
            self.add("ok", "case", f"opened by address, with the right id: {', '.join(one.case_id for one in opened)}")
        return opened

    async def _task(self, page: CasePage, case_id: str, plain: Seen) -> None:
        """The page that the work list links to, where that is another than the case's own: that of its next task."""
        address = self.addresses.get(case_id, plain.view.path)
        if address.partition("?")[0] == plain.view.path.partition("?")[0]:
            return
        try:
            await page.goto(address)
            seen = await see(page)
        except PageError as error:
            self.add("warning", "work_list", str(error), "The work list links there; look at it by hand.")
            return
        self.tasks.append(seen)
        await self._shoot(page, seen, f"Case {case_id}, as the work list links to it")

    async def _behind(self, page: CasePage, plain: Seen) -> None:
        try:
            seen = await behind_reply(page, plain)
        except PageError as error:
            self.add("warning", "composites", str(error), "Look at the reply page by hand.")
            return
        if seen is not None:
            self.behind.append(seen)
            await self._shoot(page, seen, f"Behind the link {seen.via!r}")


async def check(
    browser: Browser,
    profile: Profile,
    credentials: Credentials | None = None,
    cases: int = 3,
    wanted: Sequence[str] = (),
    pictures: bool = False,
    tell: Callable[[str], None] = lambda words: None,
) -> Checked:
    """Try every part of a profile on so many cases of the work list, or on the `wanted` ones.

    Raises:
        PageError: the browser is gone.
    """
    one = _Check(profile, cases, wanted, pictures)
    page = await new_case_page(browser, profile)
    try:
        tell("signing in")
        signed = True
        if profile.login is not None:
            signed = await one.sign_in(page, profile.login, credentials)
        else:
            one.add("warning" if credentials else "ok", "login", "not given, so none is needed", "")
        if signed:
            tell("looking at the work list")
            ids = await one.work_list(page)
            if profile.case is None:
                one.add("warning", "case", "not given", "Without it no case can be opened; name `case.path` and `case.id`.")
            elif ids or wanted:
                tell("looking at cases")
                await _cases(one, page, ids)
    finally:
        await page.close()
    return Checked(findings=tuple(one.findings), shots=tuple(one.shots))


async def _cases(one: _Check, page: CasePage, ids: Sequence[str]) -> None:
    """All that is told from case pages."""
    profile = one.profile
    opened = await one.open_cases(page, ids)
    if not opened:
        return
    one.findings += [closed_finding(profile, opened), messages_finding(profile, opened)]
    pages = [*(case.plain for case in opened), *one.tasks, *one.behind]
    if not profile.composites:
        todo = "Name the controls that send a message, close and transfer a case; without them only single actions are taken."
        one.add("warning", "composites", "not given", todo)
    for action, parts in profile.composites.items():
        one.findings += [part_finding(action, parts, number, pages) for number in range(len(parts))]
    one.findings += click_findings(profile, pages, one.lists)
    one.findings.append(slice_finding(profile, opened))
