"""A page in a real browser, with everything it asked for and everything it complained about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}


@dataclass
class Visit:
    """One tab: `requests` are all addresses it asked for, `complaints` its errors and warnings, the policy's too."""

    base: str
    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def elsewhere(self) -> list[str]:
        """The requests that did not go to our server."""
        return [address for address in self.requests if urlsplit(address).netloc != urlsplit(self.base).netloc]

    async def open(self, path: str) -> None:
        """Go there and wait until nothing is loading any more."""
        await self.page.goto(f"{self.base}{path}")
        await self.page.wait_for_load_state("networkidle")

    async def sideways(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@asynccontextmanager
async def visiting(
    browser: Browser, base: str, *, phone: bool = False, javascript: bool = True
) -> AsyncIterator[Visit]:
    """A tab with an empty profile, on the server at `base` (`http://host:port`)."""
    width, height = (PHONE if phone else DESK).values()
    context = await browser.new_context(
        viewport={"width": width, "height": height}, is_mobile=phone, java_script_enabled=javascript
    )
    page = await context.new_page()
    visit = Visit(base, page)
    page.on("request", lambda request: visit.requests.append(request.url))
    page.on("console", lambda said: visit.complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    yield visit
    await context.close()
