"""The documentation's files over real HTTP: what a browser is told about each, and what it is not sent again."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from server.gateway.app import plain_app
from server.gateway.assets import FOLDER, static_assets
from server.gateway.documents import documents
from server.gateway.server import HttpServer
from tests.support.openapi_small import small_openapi

in_one_loop = pytest.mark.asyncio(loop_scope="module")
SERVED = [
    ("/openapi.json", "application/json"),
    ("/docs", "text/html; charset=utf-8"),
    ("/redoc", "text/html; charset=utf-8"),
    ("/static/docs.js", "text/javascript; charset=utf-8"),
    ("/static/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("/static/swagger-ui.css", "text/css; charset=utf-8"),
    ("/static/favicon-32x32.png", "image/png"),
    ("/static/redoc.LICENSE.txt", "text/plain; charset=utf-8"),
]
PLAIN = {"accept-encoding": "identity"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    stop = asyncio.Event()
    server = HttpServer("127.0.0.1:0", plain_app(documents(small_openapi())))
    running = asyncio.create_task(server.run(stop, grace=5))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client
    stop.set()
    await asyncio.wait_for(running, 10)


@pytest.mark.parametrize(("path", "content_type"), SERVED)
@in_one_loop
async def test_every_file_says_its_type_and_lets_a_page_load_from_here_only(
    client: httpx.AsyncClient, path: str, content_type: str
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    policy = [part.strip() for part in answer.headers["content-security-policy"].split(";")]
    assert policy == ["default-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"


@in_one_loop
async def test_the_document_is_served_byte_for_byte_and_asked_for_again(client: httpx.AsyncClient) -> None:
    for headers in (PLAIN, {"accept-encoding": "gzip"}):
        answer = await client.get("/openapi.json", headers=headers)
        assert answer.content == small_openapi()
        assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", [path for path, _ in SERVED])
@in_one_loop
async def test_what_a_browser_has_is_not_sent_again(client: httpx.AsyncClient, path: str) -> None:
    for headers in (PLAIN, {"accept-encoding": "gzip"}):
        first = await client.get(path, headers=headers)
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"another", {tag}', "*"):
            again = await client.get(path, headers={**headers, "if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert again.headers["cache-control"] == first.headers["cache-control"]
        assert (await client.get(path, headers={**headers, "if-none-match": '"another"'})).status_code == 200


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "*", "identity;q=0, *;q=1"])
@in_one_loop
async def test_whoever_accepts_gzip_gets_a_smaller_answer_with_a_tag_of_its_own(
    client: httpx.AsyncClient, accepted: str
) -> None:
    plain = await client.get("/static/swagger-ui-bundle.js", headers=PLAIN)
    packed = await client.get("/static/swagger-ui-bundle.js", headers={"accept-encoding": accepted})
    assert packed.content == plain.content
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.headers["etag"] != plain.headers["etag"]
    assert {packed.headers["vary"], plain.headers["vary"]} == {"accept-encoding"}


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.000, *", "*;q=0"])
@in_one_loop
async def test_whoever_does_not_accept_gzip_gets_none(client: httpx.AsyncClient, accepted: str) -> None:
    answer = await client.get("/openapi.json", headers={"accept-encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert answer.content == small_openapi()


@in_one_loop
async def test_a_picture_is_not_compressed_a_second_time(client: httpx.AsyncClient) -> None:
    answer = await client.get("/static/favicon-32x32.png", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers


@in_one_loop
async def test_a_file_named_with_its_content_is_kept_for_good_and_by_its_bare_name_asked_for_again(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/docs", "/redoc"):
        references = re.findall(r'"(static/[^"]+)"', (await client.get(path)).text)
        assert len(references) >= 4
        for reference in references:
            assert (await client.get(reference)).headers["cache-control"] == "public, max-age=31536000, immutable"
            for bare in (reference.partition("?")[0], f"{reference}0"):
                assert (await client.get(bare)).headers["cache-control"] == "no-cache"


@in_one_loop
async def test_head_tells_all_that_get_does_but_the_body(client: httpx.AsyncClient) -> None:
    for path, _ in SERVED:
        got, told = await client.get(path, headers=PLAIN), await client.head(path, headers=PLAIN)
        assert (told.status_code, told.content) == (200, b"")
        assert {**got.headers, "date": ""} == {**told.headers, "date": ""}


@in_one_loop
async def test_the_images_of_the_style_sheet_are_files_of_ours_and_no_address_of_another_host_is_left(
    client: httpx.AsyncClient,
) -> None:
    style = (await client.get("/static/swagger-ui.css")).text
    addresses = set(re.findall(r"url\([\"']?([^\"')]+)", style))
    assert len(addresses) > 5
    for address in addresses:
        image = await client.get(f"/static/{address}")
        assert (image.status_code, image.headers["content-type"].split("/")[0]) == (200, "image")
        assert image.headers["cache-control"].endswith("immutable")
        if address.endswith(".svg"):
            assert re.fullmatch(r"<svg [^\\]*</svg>", image.text)
    redoc = (await client.get("/static/redoc.standalone.js")).text
    assert "cdn.redoc" not in redoc
    assert "data:image" not in redoc + style


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../documents.py", "/static/..%2fdocuments.py", "/static/%2e%2e/documents.py"),
        *("/static/..%5cdocuments.py", "/static//etc/passwd", "/static/docs.html", "/static/VENDORED.md"),
        *("/static/.gitattributes", "/static/", "/static", "/static/docs.js%00", "/static/docs.js/"),
    ],
)
@in_one_loop
async def test_nothing_but_the_named_files_can_be_had(client: httpx.AsyncClient, path: str) -> None:
    # By hand: a client library would tidy the path before it sends it.
    assert await asyncio.to_thread(_status, client.base_url.port or 0, path) in {307, 404}


def test_the_vendored_files_are_those_of_the_table() -> None:
    table = (FOLDER / "VENDORED.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\|.*\| `([^`]+)` \| `[^`]+` \| `([0-9a-f]{64})` \|$", table, re.MULTILINE))
    ours = set(re.findall(r"`([\w.-]+)`", table[: table.index("The rest is vendored")]))
    here = {path.name for path in FOLDER.iterdir()} - {"VENDORED.md", ".gitattributes"}
    assert here == listed.keys() | ours
    assert {name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in listed} == listed


def test_a_file_is_compressed_at_its_first_reader_and_never_again() -> None:
    asset = static_assets()["swagger-ui.css"]
    assert asset.packed() is asset.packed()
    assert gzip.decompress(asset.packed()) == asset.body


def test_no_page_of_ours_holds_a_script_or_a_style() -> None:
    for name in ("docs.html", "redoc.html"):
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert re.findall(r"<script[^>]*>[^<]|<style|\sstyle=|\son\w+=|https?:", text) == []
        assert '<html lang="en">' in text


def _status(port: int, path: str) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return int(connection.makefile("rb").readline().split()[1])
