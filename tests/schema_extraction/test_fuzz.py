"""Damaged pages: whatever comes, a view or one clear error, within a second, and the same view again for the same page."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html

from fixtures.pages.damage import LARGE, MUTATIONS, SMALL, damage, fragment
from fixtures.pages.damage.oddities import ROLES, STATES, TAGS
from schema_extraction.errors import SnapshotError
from schema_extraction.extract import extract
from schema_extraction.normalise import spans
from schema_extraction.render import render
from schema_extraction.snapshot import Snapshot
from schema_extraction.static import decoded, snapshot_of_html
from schema_extraction.view import View
from tests.browser.desk import PROFILE
from tests.schema_extraction.bases import plain_pages, recordings
from tests.schema_extraction.pages import TODAY
from tests.schema_extraction.timing import TooSlow, within

PAGES = 10_000  # damaged pages that the first two tests read
ALONE = 70  # of them with each kind of damage alone, as HTML and as many again as recordings
LARGE_ALONE = 20  # the same for those that make a page deep, wide or long
SECONDS = 1.0  # of this process's own time that a page may take, read once
WHOLE = 40  # one page in so many is damaged whole; the others are a few elements of one
LARGELY = 25  # one page in so many is made deep, wide or long as well
BLOCKS = 10
MIXED = PAGES - 2 * (ALONE * len(SMALL) + LARGE_ALONE * len(LARGE))
SECRET = "hunter2-Zebra"
PASSWORD = f'<label>Password <input type="password" value="{SECRET}"></label>'
URL = "http://desk.test/cases/c1?tab=1"

derandomised = settings(
    derandomize=True, deadline=None, database=None, max_examples=400, suppress_health_check=list(HealthCheck)
)
Make = Callable[[], Snapshot]


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Fail when it took more than so many seconds by itself. What would never end is cut off after ten times as much of the
    process's time."""

    def end(signum: int, frame: object) -> None:
        raise TooSlow(f"not done within {seconds:g} s")

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, 10 * seconds)
    try:
        with within(seconds):
            yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def read(make: Make) -> View | SnapshotError:
    with limit(SECONDS):
        try:
            return extract(make(), PROFILE)
        except SnapshotError as error:
            return error


def check(make: Make) -> View | None:
    """Read a page twice and hold its view against what every view promises; None where there was none to read."""
    view, again = read(make), read(make)
    if isinstance(view, SnapshotError) or isinstance(again, SnapshotError):
        assert str(view) == str(again)
        assert "\n" not in str(view)
        return None
    text = view.model_dump_json()
    assert text == again.model_dump_json()
    assert View.model_validate_json(text) == view
    keys = [item.key for item in (*view.controls, *view.facts, *view.tables)]
    assert len(keys) == len(set(keys)), [key for key in keys if keys.count(key) > 1][:3]
    refs = [control.ref for control in view.controls if control.ref]
    assert len(refs) == len(set(refs)), [ref for ref in refs if refs.count(ref) > 1][:3]
    with limit(SECONDS):
        assert render(view).endswith("\n")
        for message in view.messages:
            found = [(start, -end) for start, end, _ in spans(message.text)]
            assert found == sorted(found)
    return view


def as_html(markup: str) -> Make:
    return lambda: snapshot_of_html(markup, URL, TODAY)


def as_recording(snapshot: Snapshot, names: tuple[str, ...], seed: int) -> Make:
    """The snapshot with some of its frames damaged, and now and then one lost, doubled or out of order."""
    rng = Random(seed)
    frames = [
        frame.model_copy(update={"html": damage(frame.html, seed, names)}) if not index or rng.random() < 0.5 else frame
        for index, frame in enumerate(snapshot.frames)
    ]
    if rng.randrange(10) == 0:
        frames = rng.choices(frames, k=rng.randint(0, 3))
    return lambda: snapshot.model_copy(update={"frames": tuple(frames)})


def some_of(pages: list[str], rng: Random) -> str:
    page = rng.choice(pages)
    return page if rng.randrange(WHOLE) == 0 else fragment(page, rng)


def less_of(snapshots: list[Snapshot], rng: Random) -> Snapshot:
    """A recording, mostly with a few elements of the page alone."""
    snapshot = rng.choice(snapshots)
    if rng.randrange(WHOLE) == 0:
        return snapshot
    first, *others = snapshot.frames
    root = first.html[: first.html.index("<body")]
    cut = first.model_copy(update={"html": f"{root}<body>{fragment(first.html, rng)}</body></html>"})
    return snapshot.model_copy(update={"frames": (cut, *others)})


def shows(markup: str, secret: str) -> bool:
    """Whether the secret stands in the page other than as the value of a password field."""
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
    tree = html.document_fromstring(markup.replace("\x00", "").encode("utf-8", "replace"), parser=parser)
    for field in tree.iter("input"):
        if (field.get("type") or "").lower() == "password":
            field.attrib.pop("value", None)
    return secret in html.tostring(tree, encoding="unicode")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return plain_pages(tmp_path_factory.mktemp("bpm"))


@pytest.fixture(scope="module")
def snapshots() -> list[Snapshot]:
    return recordings()


def test_pages_that_are_not_damaged_lack_nothing(pages: list[str], snapshots: list[Snapshot]) -> None:
    for make in (*(as_html(page) for page in pages), *(as_recording(snapshot, (), 1) for snapshot in snapshots)):
        view = check(make)
        assert view is not None and view.missing == () and view.controls


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_kind_of_damage(name: str, pages: list[str], snapshots: list[Snapshot]) -> None:
    for seed in range(ALONE if name in SMALL else LARGE_ALONE):
        rng = Random(f"{name} {seed}")
        check(as_html(damage(some_of(pages, rng), seed, (name,))))
        check(as_recording(less_of(snapshots, rng), (name,), seed))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_damage_upon_damage(block: int, pages: list[str], snapshots: list[Snapshot]) -> None:
    for seed in range(block * MIXED // BLOCKS, (block + 1) * MIXED // BLOCKS):
        rng = Random(seed)
        names = tuple(rng.choices(list(SMALL), k=rng.randint(2, 6)))
        if seed % LARGELY == 0:
            names += (rng.choice(list(LARGE)),)
        if seed % 3 == 0:
            check(as_recording(less_of(snapshots, rng), names, seed))
            continue
        markup = damage(some_of(pages, rng) + PASSWORD + some_of(pages, rng), seed, names)
        view = check(as_html(markup))
        assert view is None or SECRET not in view.model_dump_json() or shows(markup, SECRET)


def test_files_of_damaged_bytes(pages: list[str]) -> None:
    for seed in range(200):
        rng = Random(seed)
        encoding = rng.choice(("utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1255"))
        data = bytearray(some_of(pages, rng).encode(encoding, "xmlcharrefreplace"))
        for _ in range(rng.randint(1, 30)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        check(as_html(decoded(bytes(data))))


# Pages that are made up rather than damaged

TEXTS = st.text(max_size=30) | st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Zs", "Nd", "Sc"]), max_size=8)
ATTRIBUTES = st.sampled_from(STATES) | st.builds(
    "{}='{}'".format,
    st.sampled_from(("id", "for", "role", "aria-label", "aria-labelledby", "aria-controls", "list", "name", "value", "title")),
    st.sampled_from((*ROLES, "a", "b", "c")) | TEXTS,
)
NAMES = st.sampled_from((*TAGS, "cp-frame", "cp-shadow", "cp-popup"))


def _element(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda name, attributes, held, end: f"<{name} {' '.join(attributes)}>{''.join(held)}" + (f"</{name}>" if end else ""),
        NAMES,
        st.lists(ATTRIBUTES, max_size=3),
        st.lists(inner, max_size=4),
        st.booleans(),
    )


MARKUP = st.recursive(TEXTS, _element, max_leaves=25)


@derandomised
@given(MARKUP)
def test_pages_made_up(markup: str) -> None:
    check(as_html(f"<p>{markup}"))


@derandomised
@given(MARKUP, st.lists(st.sampled_from(list(SMALL)), max_size=3), st.integers(0, 999))
def test_recordings_made_up(markup: str, names: list[str], seed: int) -> None:
    [snapshot, _] = recordings()
    first, *others = snapshot.frames
    made = first.model_copy(update={"html": f'<html cp-date="2025-06-01"><body>{damage(markup, seed, names)}</body></html>'})
    check(lambda: snapshot.model_copy(update={"frames": (made, *others)}))


@derandomised
@given(TEXTS, TEXTS)
def test_any_text_in_any_place(one: str, other: str) -> None:
    check(
        as_html(
            f"""<title>{one}</title><h1>{other}</h1><dl><dt>{one}<dd>{other}</dl><label>{one} <input value='{other}'></label>
            <div role=log aria-label=Messages><article class='{one}'><b>{one}</b><time>{other}</time><p>{other}</p></article>
            </div><table><tr><th>{one}<th>{other}<tr><td>{other}<td>{one}</table><p role=alert>{one}</p>
            <p><b>{one}:</b> {other}</p>
            <select aria-label='{one}'><option value='{one}'>{other}</select><button title='{other}'>{one}</button>"""
        )
    )


# Nothing may depend on the order of sets

DIGEST = "from tests.schema_extraction.test_fuzz import digest; print(digest())"


def digest() -> str:
    """Of the views of some damaged pages, in this process."""
    found = sha256()
    for seed in range(150):
        rng = Random(seed)
        names = tuple(rng.choices(list(SMALL), k=3))
        view = read(as_recording(rng.choice(recordings()), names, seed))
        found.update((str(view) if isinstance(view, SnapshotError) else view.model_dump_json()).encode())
    return found.hexdigest()


def test_views_are_the_same_in_every_process() -> None:
    root = Path(__file__).parents[2]
    found = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            cwd=root,
            env={"PYTHONHASHSEED": hashseed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
            timeout=120,
        ).stdout
        for hashseed in ("1", "2")
    }
    assert found == {f"{digest()}\n".encode()}
