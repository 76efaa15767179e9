"""Labels and headings of a page in other words."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from agent.bench.mutations import HEADS, Tree, block, in_row, marked, rewrite, unit
from agent.bench.wording import german, reworded, synonym

Rewrite = Callable[[str, Random], str]


def rename(root: Tree, rng: Random, words: Rewrite, share: float = 0.5) -> bool:
    """About this share of the labels in other words."""
    done = False
    for control in marked(root):
        if in_row(control) or rng.random() > share:
            continue
        around = unit(control) + [
            e for e in (block(control).getprevious(),) if e is not None and e.tag in ("th", "label", "span")
        ]
        texts = {t.strip().rstrip(":") for e in around for t in e.itertext() if t.strip()}
        texts |= {e.get("aria-label") for one in around for e in one.iter() if isinstance(e.tag, str) and e.get("aria-label")}
        for text in sorted(texts):
            new = words(text, rng)
            if new != text and len(text) < 60:
                done = rewrite(around, text, new) or done
                break
    return done


def synonyms(root: Tree, rng: Random) -> bool:
    """About half of the labels are called something else."""
    return rename(root, rng, synonym)


def rewordings(root: Tree, rng: Random) -> bool:
    """About half of the labels are written a little differently."""
    return rename(root, rng, reworded)


def translated(root: Tree, rng: Random) -> bool:
    """The whole page in German, as far as the words are known."""
    labels = rename(root, rng, german, share=1.0)
    return _heads(root, rng, german, 1.0) or labels


def headings(root: Tree, rng: Random) -> bool:
    """About half of the sections are called something else."""
    return _heads(root, rng, lambda text, r: synonym(text, r) if synonym(text, r) != text else reworded(text, r), 0.5)


def _heads(root: Tree, rng: Random, words: Rewrite, share: float) -> bool:
    done = False
    for element in root.iter():
        if not isinstance(element.tag, str) or rng.random() > share:
            continue
        if element.tag in HEADS - {"h1"} and (element.text or "").strip() and element.getparent().get("role") != "radiogroup":
            new = words(element.text.strip(), rng)
            done, element.text = done or new != element.text.strip(), new
        elif element.tag == "section" and element.get("aria-label"):
            new = words(element.get("aria-label"), rng)
            done = done or new != element.get("aria-label")
            element.set("aria-label", new)
    return done
