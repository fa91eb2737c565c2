"""The documentation pages in a real browser: they show the API, try it, and never leave the machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from server.gateway.documents import documents
from server.gateway.server import HttpServer
from tests.support.browsing import visiting
from tests.support.chromium import HOST
from tests.support.chromium import browser as chromium
from tests.support.openapi_small import small_openapi

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENTS = documents(small_openapi())
STRANGERS = """<!doctype html><title>x</title><style>p { color: red }</style><script>document.title = "y"</script>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="><img src="https://example.com/logo.svg">"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


async def budgets(_: Request) -> Response:
    return JSONResponse([{"budgetId": "the one budget there is"}])


async def strangers(request: Request) -> Response:
    policy = (await DOCUMENTS[0].endpoint(request)).headers["content-security-policy"]
    return HTMLResponse(STRANGERS, headers={"content-security-policy": policy})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[str]:
    stop = asyncio.Event()
    more = [Route("/v1/budgets", budgets), Route("/strangers", strangers)]
    server = HttpServer("127.0.0.1:0", Starlette(routes=[*DOCUMENTS, *more]))
    running = asyncio.create_task(server.run(stop, grace=5))
    yield f"http://{HOST}:{server.port}"
    stop.set()
    await asyncio.wait_for(running, 10)


async def test_swagger_ui_shows_every_operation_and_asks_nobody_else(browser: Browser, site: str) -> None:
    async with visiting(browser, site) as visit:
        await visit.open("/docs")
        await expect(visit.page.locator(".opblock")).to_have_count(3)
        await expect(visit.page.locator(".opblock-deprecated")).to_have_count(1)
        await visit.page.locator(".opblock").first.locator(".opblock-summary-control").click()
        await expect(visit.page.locator(".opblock-body")).to_be_visible()
        assert (visit.elsewhere, visit.complaints) == ([], [])


async def test_a_call_tried_out_in_swagger_ui_reaches_our_server_and_its_answer_is_shown(
    browser: Browser, site: str
) -> None:
    async with visiting(browser, site) as visit:
        await visit.open("/docs#/Budgets/ListBudgets")
        await visit.page.locator("#operations-Budgets-ListBudgets button.execute").click()
        answer = visit.page.locator("#operations-Budgets-ListBudgets .live-responses-table")
        await expect(answer).to_contain_text("the one budget there is")
        await expect(answer).to_contain_text("Request duration")
        assert f"{site}/v1/budgets" in visit.requests
        assert (visit.elsewhere, visit.complaints) == ([], [])


async def test_redoc_shows_every_operation_with_its_own_styles_and_asks_nobody_else(
    browser: Browser, site: str
) -> None:
    async with visiting(browser, site) as visit:
        await visit.open("/redoc")
        await expect(visit.page.locator("[id='tag/Budgets/operation/ListBudgets']")).to_contain_text(
            "What ListBudgets does"
        )
        menu = visit.page.locator(".menu-content")
        assert await menu.evaluate("element => getComputedStyle(element).position") == "sticky"
        assert (visit.elsewhere, visit.complaints) == ([], [])


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_a_page_fits_a_phone(browser: Browser, site: str, path: str) -> None:
    async with visiting(browser, site, phone=True) as visit:
        await visit.open(path)
        await expect(visit.page.get_by_text("What ListBudgets does").last).to_be_visible()
        assert await visit.sideways() <= 0
        assert (visit.elsewhere, visit.complaints) == ([], [])


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_without_javascript_a_page_says_so_and_leads_to_the_document(
    browser: Browser, site: str, path: str
) -> None:
    async with visiting(browser, site, javascript=False) as visit:
        await visit.open(path)
        notice = visit.page.get_by_text("It needs JavaScript")
        await notice.get_by_role("link").click()
        assert visit.page.url == f"{site}/openapi.json"
    async with visiting(browser, site) as visit:
        await visit.open(path)
        await expect(visit.page.get_by_text("It needs JavaScript")).to_have_count(0)


async def test_what_comes_from_elsewhere_or_stands_in_the_page_is_stopped_and_seen_by_these_tests(
    browser: Browser, site: str
) -> None:
    async with visiting(browser, site) as visit:
        await visit.open("/strangers")
        assert await visit.page.title() == "x"
        assert visit.elsewhere == ["https://example.com/logo.svg"]
        assert len([said for said in visit.complaints if "Content Security Policy" in said]) == 4
