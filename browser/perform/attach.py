"""Attach: a file into a file field, by its path on this machine."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Error as PlaywrightError

from browser.perform.effect import Watch
from browser.perform.ground import Ground, Located, ask, held, not_sent
from schema_extraction.action import Outcome


async def attach(ground: Ground, located: Located, value: str) -> Outcome:
    """Put the files at the paths in `value`, one a line, into a file field, and see whether it keeps them; "" takes all off."""
    name = f"{located.control.role} {located.control.name!r}"
    paths = [Path(line).expanduser() for line in value.splitlines() if line.strip()]
    for path in paths:
        if not path.is_file():
            return not_sent(f"{name} takes the path of a file, and {str(path)!r} does not exist or is no file.")
    watch = Watch(ground, located.view)
    try:
        await located.handle.set_input_files(paths, timeout=ground.hands.press * 1000)
    except PlaywrightError as error:
        return not_sent(f"{name} could not take {value!r}: {str(error).splitlines()[0]}")
    await ground.settle()
    got = await held(ground, located)
    wanted = ", ".join(path.name for path in paths)
    if (refused := await watch.objection()) is not None:
        return await watch.worded(refused)
    if got == wanted or (got is None and await _named(ground, located, paths)):
        return Outcome(result="done")
    if not got and paths and await _named(ground, located, paths):
        return Outcome(result="done")  # many pages take the file at once and empty the field for the next
    if got is None:
        return Outcome(result="unknown", message=f"{name} left the page after {wanted!r} was attached.")
    return await watch.worded(Outcome(result="no_effect", message=f"{name} holds {got!r} after {wanted!r} was attached."))


async def _named(ground: Ground, located: Located, paths: list[Path]) -> bool:
    """Whether the field's surroundings now name the files, and did not before."""
    words = await ask(located.handle, "shown") or ""
    return bool(paths) and all(path.name in words and path.name not in located.state.shown for path in paths)
