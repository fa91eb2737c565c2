"""The documentation pages in a real browser: they show the API, try it, and never leave the machine."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from server.gateway.documents import documents
from server.gateway.server import HttpServer
from tests.e2e.conftest import House
from tests.support.browsing import visiting
from tests.support.chromium import HOST
from tests.support.chromium import browser as chromium
from tests.support.openapi_small import small_openapi

pytestmark = pytest.mark.asyncio(loop_scope="module")

METHODS = {"delete", "get", "patch", "post", "put"}
STRANGERS = """<!doctype html><title>x</title><style>p { color: red }</style><script>document.title = "y"</script>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="><img src="https://example.com/logo.svg">"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


@pytest.fixture
def site(rabbit_house: House) -> str:
    """The server, by the name that the browser knows it by."""
    return f"http://{HOST}:{rabbit_house.api.http_port}"


@pytest.fixture
def operations(rabbit_house: House) -> list[dict[str, Any]]:
    """The operations of the document that the server gives."""
    paths = httpx.get(f"http://127.0.0.1:{rabbit_house.api.http_port}/openapi.json").json()["paths"]
    return [operation for path in paths.values() for method, operation in path.items() if method in METHODS]


async def test_swagger_ui_shows_every_operation_and_asks_nobody_else(
    browser: Browser, site: str, operations: list[dict[str, Any]]
) -> None:
    async with visiting(browser, site) as visit:
        await visit.open("/docs")
        await expect(visit.page.locator(".opblock")).to_have_count(len(operations))
        deprecated = [operation for operation in operations if operation.get("deprecated")]
        await expect(visit.page.locator(".opblock-deprecated")).to_have_count(len(deprecated))
        for method in ("post", "get"):
            block = visit.page.locator(f".opblock-{method}").first
            await block.locator(".opblock-summary-control").click()
            await expect(block.locator("button.execute")).to_be_visible()
        assert (visit.elsewhere, visit.complaints) == ([], [])


async def test_the_folded_parts_of_swagger_ui_open_without_asking_anybody_else(browser: Browser, site: str) -> None:
    async with visiting(browser, site) as visit:
        await visit.open("/docs")
        await visit.page.locator(".auth-wrapper .authorize").click()
        await expect(visit.page.locator(".dialog-ux input")).to_be_visible()
        await visit.page.locator(".close-modal").click()
        await visit.page.locator(".models .json-schema-2020-12-accordion").first.click()
        await expect(visit.page.locator(".models .json-schema-2020-12-property").first).to_be_visible()
        assert (visit.elsewhere, visit.complaints) == ([], [])


async def test_only_what_serves_the_api_shows_its_documentation(rabbit_house: House) -> None:
    async with httpx.AsyncClient() as http:
        shown = {
            role.name: (await http.get(f"http://127.0.0.1:{role.http_port}/docs")).status_code
            for role in rabbit_house.fleet.roles
        }
    assert shown == {"api": 200, "relay": 404, "consumer": 404, "worker": 404}


async def test_a_call_tried_out_in_swagger_ui_reaches_our_server_and_its_answer_is_shown(
    browser: Browser, site: str
) -> None:
    async with visiting(browser, site) as visit:
        await visit.open("/docs")
        block = visit.page.locator(".opblock-get:has([data-path='/v1/budgets'])")
        await block.locator(".opblock-summary-control").click()
        await block.locator("button.execute").click()
        answer = block.locator(".live-responses-table")
        await expect(answer.locator("td.response-col_status").last).to_contain_text("200")
        await expect(answer).to_contain_text(re.compile(r'"budgets": \['))
        await expect(answer).to_contain_text("Request duration")
        assert any(address.startswith(f"{site}/v1/budgets") for address in visit.requests)
        assert (visit.elsewhere, visit.complaints) == ([], [])


async def test_redoc_shows_every_operation_with_its_own_styles_and_asks_nobody_else(
    browser: Browser, site: str, operations: list[dict[str, Any]]
) -> None:
    async with visiting(browser, site) as visit:
        await visit.open("/redoc")
        sections = visit.page.locator("[data-section-id*='operation/']")
        await expect(sections.last).to_be_visible()
        shown = await sections.evaluate_all("all => all.map(one => one.dataset.sectionId.split('/').at(-1))")
        assert {operation["operationId"] for operation in operations} - set(shown) == set()
        menu = visit.page.locator(".menu-content")
        assert await menu.evaluate("element => getComputedStyle(element).position") == "sticky"
        assert (visit.elsewhere, visit.complaints) == ([], [])


@pytest.mark.parametrize(("path", "operation"), [("/docs", ".opblock"), ("/redoc", "[data-section-id*='operation/']")])
async def test_a_page_fits_a_phone(browser: Browser, site: str, path: str, operation: str) -> None:
    async with visiting(browser, site, phone=True) as visit:
        await visit.open(path)
        await expect(visit.page.locator(operation).last).to_be_visible()
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
    browser: Browser,
) -> None:
    docs = documents(small_openapi())[1]

    async def strangers(request: Request) -> Response:
        policy = (await docs.endpoint(request)).headers["content-security-policy"]
        return HTMLResponse(STRANGERS, headers={"content-security-policy": policy})

    stop = asyncio.Event()
    server = HttpServer("127.0.0.1:0", Starlette(routes=[Route("/strangers", strangers)]))
    running = asyncio.create_task(server.run(stop, grace=5))
    async with visiting(browser, f"http://{HOST}:{server.port}") as visit:
        await visit.open("/strangers")
        assert await visit.page.title() == "x"
        assert visit.elsewhere == ["https://example.com/logo.svg"]
        assert len([said for said in visit.complaints if "Content Security Policy" in said]) == 4
    stop.set()
    await asyncio.wait_for(running, 10)
