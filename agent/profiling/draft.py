"""The walk from an address to a drafted profile: sign-in, work list, a few cases. Only links are followed, and only such as
neither by their words nor by their address do anything; nothing but the sign-in is typed or pressed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from loguru import logger

from agent.errors import ProfilingError
from agent.profiling.clicks import critical, ignored, reversible
from agent.profiling.facts import closed_guess, kind_guess
from agent.profiling.links import CaseLinks, case_links, harmless, id_regex, lists, local
from agent.profiling.picture import Shot, marks, shoot
from agent.profiling.seen import Seen
from agent.profiling.signin import asks, login_of
from agent.profiling.steps import StepGuess, step_guesses
from agent.profiling.talk import talk_guess
from agent.profiling.words import NEXT_PAGE, REPLY, SIGN_IN
from agent.settings import Credentials
from browser.errors import PageError
from browser.page import CasePage, new_case_page
from browser.photo import hidden_dialogs
from browser.session import Browser
from schema_extraction.extract import extract
from schema_extraction.profile import CasePage as CaseAt
from schema_extraction.profile import Composite, Login, Profile, SliceField, WorkList, compiled
from schema_extraction.talk import talk_of
from schema_extraction.view import Frozen

LISTS = 5
"""Pages that are looked at for the work list, besides the one that the sign-in leads to."""


class Drafted(Frozen):
    """A profile with the reasons for it (see `written.Notes`) and pictures of the pages it was read from. `open`: what a
    person has to add or look at."""

    profile: Profile
    notes: dict[str, tuple[str, ...]]
    shots: tuple[Shot, ...]
    open: tuple[str, ...]
    cases: int


@dataclass
class _Found:
    """What the walk has met so far."""

    login: Login | None = None
    listing: Seen | None = None
    links: CaseLinks | None = None
    others: list[str] = field(default_factory=list)
    cases: list[Seen] = field(default_factory=list)
    tasks: list[Seen] = field(default_factory=list)
    replies: list[Seen] = field(default_factory=list)
    shots: list[Shot] = field(default_factory=list)
    case_shots: list[Shot] = field(default_factory=list)
    case_path: str = ""
    notes: list[str] = field(default_factory=list)


async def see(page: CasePage, via: str = "") -> Seen:
    """The page as it stands, without a profile.

    Raises:
        PageError: the page is gone.
    """
    await page.settle()
    snapshot = await page.snapshot()
    return Seen(
        url=snapshot.url,
        view=extract(snapshot),
        talk=talk_of(snapshot),
        dialogs=await hidden_dialogs(page.page),
        via=via,
    )


async def draft(
    browser: Browser,
    url: str,
    credentials: Credentials | None = None,
    cases: int = 5,
    pictures: bool = True,
    tell: Callable[[str], None] = lambda words: None,
) -> Drafted:
    """Draft a profile of the application at an address, by looking at its work list and at so many of its cases.

    `tell` hears what is being looked at.

    Raises:
        PageError: the address cannot be opened. SignInError: the login is refused.
        ProfilingError: credentials were given and there is no sign-in form to use them on.
    """
    parts = urlsplit(url)
    walk = _Walk(_Found(), cases, pictures, tell)
    page = await new_case_page(browser, Profile(name="draft", base_url=f"{parts.scheme}://{parts.netloc}"))
    try:
        await page.goto(url)
        base = _base(url, page.page.url)
        anywhere = Profile(name="draft", base_url=base)
        if not await walk.at_sign_in(page) and credentials is not None:
            raise ProfilingError(
                f"{url!r} shows no form with a password field. Give the address of the sign-in page, or leave --user away."
            )
        if walk.found.login is not None and credentials is not None:
            tell("signing in")
            await page.close()
            page = await new_case_page(browser, anywhere.model_copy(update={"login": walk.found.login}))
            await page.sign_in(credentials.username, credentials.password.get_secret_value())
            if parts.path.strip("/") and parts.path != walk.found.login.path:
                await page.goto(url)
        if walk.found.login is None or credentials is not None:
            await walk.work_list(page)
            await walk.open_cases(page)
    finally:
        await page.close()
    return _drafted(base, walk.found, credentials is not None)


def spread(ids: Sequence[str], count: int) -> list[str]:
    """So many of the ids, the first and the last among them."""
    count = min(count, len(ids))
    return [ids[round(number * (len(ids) - 1) / max(1, count - 1))] for number in range(count)]


async def behind_reply(page: CasePage, case: Seen) -> Seen | None:
    """The page that a link such as Reply leads to, when replies are not written on the case page itself.

    Raises:
        PageError: it cannot be opened.
    """
    if "send_message" in step_guesses([case]):
        return None
    for one in case.view.controls:
        if one.role != "link" or not REPLY.search(one.name) or len(one.name) > 30 or not one.href:
            continue
        address = local(one.href, case.url)
        if address is None or not harmless(one.model_copy(update={"href": ""})) or address == case.view.path:
            continue
        await page.goto(address)
        seen = await see(page, via=one.name)
        return seen if "send_message" in step_guesses([seen]) else None
    return None


class _Walk:
    """Goes from page to page and notes what it meets."""

    def __init__(self, found: _Found, cases: int, pictures: bool, tell: Callable[[str], None]) -> None:
        self.found = found
        self.cases = cases
        self.pictures = pictures
        self.tell = tell

    async def at_sign_in(self, page: CasePage) -> bool:
        """Find the sign-in form here, or behind a link whose words speak of it."""
        self.tell("looking for the sign-in form")
        seen = await see(page)
        if not asks(seen.view):
            links = [one for one in seen.view.controls if one.role == "link" and one.href and SIGN_IN.search(one.name)]
            if not links or (address := local(links[0].href, seen.url)) is None:
                return False
            await page.goto(urljoin(seen.url, address))
            seen = await see(page)
        self.found.login = login_of(seen.view)
        if self.found.login is not None:
            await self._shoot(page, seen, "Sign-in")
        return self.found.login is not None

    async def work_list(self, page: CasePage) -> None:
        """Of the page that the sign-in leads to and those behind list-like links, take the one with the most case links."""
        self.tell("looking for the work list")
        first = await see(page)
        seen: dict[str, Seen] = {first.view.path: first}
        for address in lists(first.view, first.url)[:LISTS]:
            try:
                await page.goto(address)
                one = await see(page)
            except PageError as error:
                logger.info("{}", error)
                continue
            if not asks(one.view):
                seen.setdefault(one.view.path, one)
        found = [(links, one) for one in seen.values() if (links := case_links(one.view, one.url)) is not None]
        if not found:
            return
        links, listing = max(found, key=lambda pair: pair[0].score)
        self.found.links, self.found.listing = links, listing
        self.found.others = [f"{one.view.path} ({len(more.ids)})" for more, one in found if one is not listing]
        if (await see(page)).view.path != listing.view.path:
            await page.goto(listing.view.path)
        await self._shoot(page, await see(page), "Work list")

    async def open_cases(self, page: CasePage) -> None:
        """Look at a few cases, spread over the list, and at the page that a reply link of the first leads to."""
        links = self.found.links
        if links is None:
            return
        ids = links.ids
        for case_id in spread(ids, self.cases):
            self.tell(f"looking at case {case_id}")
            seen = await self._case(page, links, case_id)
            if seen is None:
                continue
            self.found.cases.append(seen)
            if self.pictures:
                self.found.case_shots.append(await shoot(page.page, seen, f"Case {case_id}"))
            if (task := await self._task(page, links, case_id, seen)) is not None:
                self.found.tasks.append(task)
                if self.pictures:
                    self.found.case_shots.append(await shoot(page.page, task, f"Case {case_id}, as the list links to it"))
            if len(self.found.cases) == 1:
                await self._reply(page, seen)

    async def _case(self, page: CasePage, links: CaseLinks, case_id: str) -> Seen | None:
        """Open a case: by its address made from the id where that works, else as the list links to it."""
        made = links.path.replace("{case_id}", case_id)
        for address in dict.fromkeys((made, links.addresses[case_id])):
            try:
                await page.goto(address)
            except PageError as error:
                logger.info("{}", error)
                continue
            if not self.found.case_path:
                self.found.case_path = links.path if address == made else ""
                if address != made:
                    self.found.notes.append(f"{made} cannot be opened; the work list leads to {address} instead.")
            return await see(page)
        return None

    async def _task(self, page: CasePage, links: CaseLinks, case_id: str, seen: Seen) -> Seen | None:
        """The page that the work list links to, where that is another than the case's own: that of its next task."""
        address = links.addresses[case_id]
        if not self.found.case_path or address in (seen.view.path, links.path.replace("{case_id}", case_id)) or links.param:
            return None
        try:
            await page.goto(address)
            task = await see(page)
        except PageError as error:
            logger.info("{}", error)
            return None
        return task if task.view.path != seen.view.path else None

    async def _reply(self, page: CasePage, case: Seen) -> None:
        try:
            seen = await behind_reply(page, case)
        except PageError as error:
            logger.info("{}", error)
            return
        if seen is not None:
            self.found.replies.append(seen)
            await self._shoot(page, seen, f"Behind the link {seen.via!r}")

    async def _shoot(self, page: CasePage, seen: Seen, title: str) -> None:
        if self.pictures:
            self.found.shots.append(await shoot(page.page, seen, title))


_LOOK = {
    "work_list": "the page with the links to open cases",
    "case": "the page of one case",
    "messages": "the conversation",
    "composites": "replying, closing and transferring",
    "slice": "the fact that names the kind of a case",
}


def _base(asked: str, got: str) -> str:
    """Where the application is, once it has sent the browser on, for instance to https.

    Raises:
        ProfilingError: it has sent the browser to another host, as for single sign-on; no password is typed there.
    """
    wanted, met = urlsplit(asked), urlsplit(got)
    if (met.hostname or "").removeprefix("www.") != (wanted.hostname or "").removeprefix("www."):
        raise ProfilingError(
            f"{asked!r} leads to another host, {met.netloc!r}, where no password is typed. If that is the application, give "
            "its address; if it is a single sign-on, write the profile by hand (docs/your-own-bpm.md)."
        )
    return f"{met.scheme}://{met.netloc}"


def _drafted(base: str, found: _Found, signed_in: bool) -> Drafted:
    """Put the guesses together, with the reason for each and what to check."""
    host = urlsplit(base).netloc
    notes: dict[str, tuple[str, ...]] = {}
    left: list[str] = []
    notes[""] = (
        f"Drafted by `casepilot profile init` from {base}: guesses, with the reason above each.",
        "Look through them, then test them against the application: casepilot profile check FILE",
    )
    if found.login is not None:
        notes["login"] = ("Sure: the form with the only password field. User name and password never stand in this file.",)
        if not signed_in:
            left.append("No user name and password were given, so only the sign-in form was seen. Run again with --user.")
    else:
        notes["login"] = ("No form with a password field was met. If the application needs a login, say where:",)
    listing, case = _places_of(found, notes)
    pages = [*found.cases, *found.tasks, *found.replies]
    steps = step_guesses(pages)
    _composite_notes(steps, notes)
    closed = closed_guess(
        found.cases,
        [one.view for one in (found.listing, *found.tasks, *found.replies) if one is not None],
        [f"{guess.asks} {guess.button}" for guess in steps.values() if guess.action != "send_message"],
    )
    if case is not None:
        if closed is None:
            notes["case.closed_when"] = (
                "No fact such as Status was met, so casepilot would never know that a case is over. Add it:",
            )
            left.append("case.closed_when: name the fact that tells that a case is over.")
        else:
            now = ", ".join(closed.now)
            known = closed.how == "met"
            hows = {"met": "were met in the application", "buttons": "were made from the words on its buttons"}
            how = hows.get(closed.how, "are made up")
            notes["case.closed_when"] = (
                f"{'Likely' if known else 'A guess'}: the cases that were opened say {now}; these values {how}. "
                "Check with a case that is over.",
            )
            if not known:
                values = " or ".join(closed.closed.values)
                left.append(f"case.closed_when: does {closed.closed.fact!r} say {values} of a case that is over?")
            case = case.model_copy(update={"closed_when": closed.closed})
    talk = talk_guess(found.cases)
    if talk is None:
        notes["messages"] = ("No conversation was met on the cases that were opened. If there is one, name its region:",)
    elif talk.messages is None:
        notes["messages"] = (
            f"Not needed: the conversation is a history of dated entries ({talk.entries} met), which is found without a word.",
        )
    else:
        told = f"Likely: a {talk.messages.region.role} with {talk.entries} entries on the cases that were opened; "
        told += "what tells who speaks stands in their class or aria text."
        if talk.missing:
            told += (
                f" No {' and no '.join(talk.missing)} entry was met, so its word is a guess: check with a longer conversation."
            )
            left.append(
                f"messages: no {' and no '.join(talk.missing)} entry was met; check its word with a longer conversation."
            )
        notes["messages"] = (told,)
    kind = kind_guess(found.cases, [found.listing.view] if found.listing else [])
    if kind is None:
        notes["slice"] = (
            "No fact with few values was met. Thresholds are kept per kind of case; name the fact that tells it:",
        )
    else:
        some = ", ".join(kind.values[:6]) + (", ..." if len(kind.values) > 6 else "")
        met = (
            f"Likely: {len(kind.values)} values were met ({some})."
            if some
            else "A guess by its label: it was empty in every case."
        )
        notes["slice"] = (f"{met} Thresholds and guardrails are kept for each value.",)
    parts = [part.control for guess in steps.values() for part in guess.parts]
    listing_view = found.listing.view if found.listing else None
    ignores = ignored(listing_view, found.listing.url if found.listing else "", pages, parts)
    opens = reversible(pages, [*parts, *(guess.pattern for guess in ignores)])
    acts = critical(pages, [*parts, *(guess.pattern for guess in (*ignores, *opens))])
    for label, guesses in (("ignore", ignores), ("reversible", opens), ("critical", acts)):
        notes |= {f"{label}[{number}]": (f"{one.why[0].upper()}{one.why[1:]}.",) for number, one in enumerate(guesses)}
    notes["critical"] = (
        "Clicks that leave the page, besides those of the composites. Buttons that send a form are critical even if not named; "
        "add what acts without a form.",
    )
    notes["reversible"] = ("Clicks that look critical and only show or close something.",)
    notes["ignore"] = ("Never a target: the application's own navigation. Take out what a case needs.",)
    composites = {action: guess.parts for action, guess in steps.items()}
    profile = Profile(
        name=_name(host, [one.view.title for one in (found.listing, *found.cases) if one is not None]),
        base_url=base,
        login=found.login,
        work_list=listing,
        case=case,
        messages=talk.messages if talk else None,
        composites=composites,
        critical=tuple(one.pattern for one in acts),
        reversible=tuple(one.pattern for one in opens),
        ignore=tuple(one.pattern for one in ignores),
        slice=SliceField(fact=kind.fact) if kind else None,
    )
    if found.login is None or signed_in:
        left += [
            f"{name}: not found; name {what}."
            for name, what in _LOOK.items()
            if not getattr(profile, name) and name != "messages"
        ]
    if found.login is not None and not signed_in:
        notes |= dict.fromkeys(("work_list", "case", *_LOOK, "critical", "reversible", "ignore"), ())
        notes["work_list"] = ("Not looked for, without a user name and a password. What it may look like:",)
    best = max(found.case_shots, key=lambda shot: len({(one.kind, one.label) for one in marks(profile, shot)}), default=None)
    shots = [*found.shots[:2], *([best] if best else []), *found.shots[2:]]
    return Drafted(profile=profile, notes=notes, shots=tuple(shots), open=tuple(left), cases=len(found.cases))


def _name(host: str, titles: list[str]) -> str:
    """A short name: what the titles of the pages have in common after a dash or dot, else the host's, else my-desk."""
    ends = [re.split(r"\s+[·|–—-]\s+", title) for title in titles if title]
    common = [part for part in (ends[0] if ends else []) if len(ends) > 1 and all(part in other for other in ends)]
    words = common[-1] if common and len(common[-1]) <= 30 else ""
    if not words:
        parts = host.partition(":")[0].split(".")
        words = "" if parts[-1].isdigit() or ":" in host.rpartition("]")[0] else "-".join(p for p in parts[:-1] if p != "www")
    return re.sub(r"\W+", "-", words.casefold()).strip("-") or "my-desk"


def _places_of(found: _Found, notes: dict[str, tuple[str, ...]]) -> tuple[WorkList | None, CaseAt | None]:
    links, seen = found.links, found.listing
    if links is None or seen is None:
        notes["work_list"] = ("No page with links to cases was met. Say where it is:",)
        notes["case"] = (
            "Say where a case is: {case_id} stands for its id, which the first group of `id` finds in an address.",
        )
        return None, None
    some = ", ".join(links.ids[:3])
    listing = WorkList(path=seen.view.path)
    told = f"Likely: {len(links.ids)} links that differ by an id ({some}{', ...' if len(links.ids) > 3 else ''})."
    if found.others:
        told += f" Other pages link to cases too: {', '.join(found.others)}."
    turns = [one.name for one in seen.view.controls if one.role == "link" and NEXT_PAGE.search(one.name)]
    if turns and not any(compiled(listing.next).search(name) for name in turns):
        listing = WorkList(path=listing.path, next=f"^{turns[0]}$")
        told += f" The next page is behind {turns[0]!r}."
    elif turns:
        told += f" The next page is behind {turns[0]!r}, which needs no word here."
    notes["work_list"] = (told,)
    own = "" if found.case_path else " Cases are opened by address: correct `path` if it leads elsewhere."
    notes["case"] = (f"Likely: {len(found.cases)} cases were opened so.{own}", *found.notes)
    pages = tuple((case.url, case.view) for case in found.cases)
    return listing, CaseAt(path=links.path, id=id_regex(links, pages))


def _composite_notes(steps: dict[Composite, StepGuess], notes: dict[str, tuple[str, ...]]) -> None:
    told = ["What makes up an action: `value` parts take its text or option, `click` parts are pressed in order."]
    missing = [name for name in ("send_message", "close_case", "transfer_case") if name not in steps]
    if missing:
        told.append(f"Not found on the cases that were opened: {', '.join(missing)}. Add what the application has.")
    notes["composites"] = tuple(told)
    for action, guess in steps.items():
        said = f"{'Likely' if guess.sure else 'A guess'}: the button {guess.button!r} and the field before it."
        if guess.via:
            said += f" They are on the page behind the link {guess.via!r}, which has to be opened first."
        if guess.asks:
            said += f" A dialog then asks {guess.asks!r}."
        elif action != "send_message":
            said += " If a dialog asks again, add its button as a last `click` part."
        notes[f"composites.{action}"] = (said,)
