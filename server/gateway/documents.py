"""The human face of the HTTP door: the OpenAPI document, Swagger UI and ReDoc, all of it from this machine.

A page may load from nowhere else (docs/decisions/0020), and what a browser has already, it is not sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.gateway.assets import Asset, page, static_assets
from server.gateway.headers import accepts

OPENAPI: Final = Path(__file__).with_name("openapi.json")
"""The committed OpenAPI document."""

_SAFE: Final = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_ASK_AGAIN: Final = "no-cache"
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


def documents(openapi: bytes) -> list[Route]:
    """Routes for `/openapi.json` (the bytes of `openapi` as they are), `/docs`, `/redoc` and `/static/<name>`."""
    assets = static_assets()

    async def static(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        return await _answer(request, asset, for_good=_names_its_content(request, asset))

    return [
        Route("/openapi.json", _serving(Asset("openapi.json", "application/json", openapi))),
        Route("/docs", _serving(page("docs.html", assets))),
        Route("/redoc", _serving(page("redoc.html", assets))),
        Route("/static/{name}", static),
    ]


def _serving(asset: Asset) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return await _answer(request, asset)

    return serve


async def _answer(request: Request, asset: Asset, *, for_good: bool = False) -> Response:
    """The asset, in gzip when that is accepted; 304 when the caller has it, in either form."""
    packed = asset.shrinks and accepts(request.headers.get("accept-encoding", ""), "gzip")
    headers = {
        **_SAFE,
        "cache-control": _FOR_GOOD if for_good else _ASK_AGAIN,
        "etag": f'"{asset.tag}-gzip"' if packed else f'"{asset.tag}"',
        "vary": "accept-encoding",
    }
    if _has(request.headers.get("if-none-match", ""), asset):
        return Response(status_code=304, headers=headers)
    headers["content-type"] = asset.content_type
    if packed:
        headers["content-encoding"] = "gzip"
        return Response(await asyncio.to_thread(asset.packed), headers=headers)
    return Response(asset.body, headers=headers)


def _names_its_content(request: Request, asset: Asset) -> bool:
    """Whether the address would be another one if the content were."""
    return asset.tag in asset.name or request.query_params.get("v") == asset.tag


def _has(if_none_match: str, asset: Asset) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return not tags.isdisjoint({"*", f'"{asset.tag}"', f'"{asset.tag}-gzip"'})
