"""The files behind the documentation pages. The vendored ones are kept as they came; what in them would break
`default-src 'self'` is changed here, on the way to the browser: images written as data: URLs, and one logo elsewhere.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from pathlib import Path
from threading import Lock
from typing import Final
from urllib.parse import unquote_to_bytes

FOLDER: Final = Path(__file__).with_name("static")
"""Where the files are; its VENDORED.md says which of them are whose."""

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_DATA_IMAGE: Final = re.compile(
    rb"""url\((?P<quote>["']?)data:image/(?P<head>[^,]*),(?P<image>(?:\\.|(?!(?P=quote)\)).)*)"""
)
_SUFFIXES: Final = {"svg+xml": "svg", "png": "png", "jpeg": "jpg"}
# A style sheet's own addresses are seen from the sheet, those in a script's sheets from the page.
_FROM: Final = {".css": b"", ".js": b"static/"}
_LOGO: Final = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
_REFERENCE: Final = re.compile(r'"static/([^"]+)"')


class Asset:
    """Bytes that never change while the process runs, with their name, their type and a tag made of their content."""

    def __init__(self, name: str, content_type: str, body: bytes) -> None:
        self.name = name
        self.content_type = content_type
        self.body = body
        self.tag = _tag(body)
        self._packed: bytes | None = None
        self._packing = Lock()

    @property
    def shrinks(self) -> bool:
        """Whether gzip is worth it."""
        return not self.content_type.startswith("image/") or self.content_type == _TYPES[".svg"]

    def packed(self) -> bytes:
        """The body in gzip, made at the first call, which takes up to a tenth of a second."""
        with self._packing:
            if self._packed is None:
                self._packed = gzip.compress(self.body, mtime=0)
        return self._packed


def static_assets(folder: Path = FOLDER) -> dict[str, Asset]:
    """What `/static/` serves, by name: the folder's files, and the images taken out of them."""
    assets: dict[str, Asset] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in _TYPES and path.suffix != ".html":
            images: dict[str, Asset] = {}
            body = _without_strangers(path.read_bytes(), path.suffix, images)
            assets |= {path.name: Asset(path.name, _TYPES[path.suffix], body), **images}
    return assets


def page(name: str, assets: dict[str, Asset], folder: Path = FOLDER) -> Asset:
    """A page whose references to `/static/` carry the content's tag, so that browsers may keep them for good."""
    text = (folder / name).read_text(encoding="utf-8")
    tagged = _REFERENCE.sub(lambda found: f'"static/{found[1]}?v={assets[found[1]].tag}"', text)
    return Asset(name, _TYPES[".html"], tagged.encode())


def _without_strangers(body: bytes, suffix: str, images: dict[str, Asset]) -> bytes:
    """The file with its data: images put into `images` and named instead, and without the logo from another host."""
    if suffix not in _FROM:
        return body

    def taken_out(found: re.Match[bytes]) -> bytes:
        image = _image(found["head"].decode(), found["image"])
        images[image.name] = image
        return b"url(" + found["quote"] + _FROM[suffix] + image.name.encode()

    return _DATA_IMAGE.sub(taken_out, body).replace(_LOGO, b"")


def _image(head: str, text: bytes) -> Asset:
    """One image of a data: URL: `head` is what stands between `image/` and the comma, `text` what follows."""
    kind, *how = head.split(";")
    body = base64.b64decode(text) if "base64" in how else unquote_to_bytes(re.sub(rb"\\(.)", rb"\1", text))
    suffix = _SUFFIXES[kind]
    return Asset(f"image-{_tag(body)}.{suffix}", f"image/{kind}", body)


def _tag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]
