"""The view of one page, live or from a file."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from agent.errors import UsageError
from agent.settings import Credentials
from browser.launch import BrowserSettings
from browser.page import new_case_page
from browser.session import opened
from schema_extraction.extract import extract
from schema_extraction.profile import Profile
from schema_extraction.snapshot import Snapshot
from schema_extraction.view import View


async def look(source: str, profile: Profile | None = None, credentials: Credentials | None = None) -> View:
    """The view of an address, an HTML file (rendered in a browser) or a recorded snapshot (.json).

    Raises:
        UsageError: there is no such file. PageError: the address cannot be opened. SignInError: the login is refused.
    """
    parts = urlsplit(source)
    if parts.scheme not in ("http", "https", "file", "data"):
        path = Path(source)
        if not path.is_file():
            raise UsageError(f"Expected an address or a file, met {source!r}. Give http(s)://..., or an existing file.")
        if path.suffix == ".json":
            return extract(_snapshot(path), profile)
        source, parts = path.resolve().as_uri(), urlsplit(path.resolve().as_uri())
    anywhere = profile or Profile(name="", base_url=f"{parts.scheme}://{parts.netloc}")
    async with opened(BrowserSettings()) as browser:
        page = await new_case_page(browser, anywhere)
        if profile and credentials:
            await page.sign_in(credentials.username, credentials.password.get_secret_value())
        await page.goto(source)
        return await page.view()


def _snapshot(path: Path) -> Snapshot:
    try:
        return Snapshot.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        raise UsageError(
            f"{str(path)!r} is not a recorded snapshot ({where}: {first['msg']}). Give a .html file instead."
        ) from error
