"""QR codes: both pictures show the modules of the text, at level M, with four modules of quiet zone."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from server.rpc.qr_code import png, svg

CODE = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865406123.455802BR"
    "5915OFICINA CARDOZO6009SAO PAULO62290525OS7K2M9Q4T1V8X3Z5B6C0D2F463048427"
)
SVG = "{http://www.w3.org/2000/svg}"
LONGEST = 2331
TEXT = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=300)

Modules = list[list[bool]]


@settings(max_examples=25, deadline=None)
@given(TEXT, st.integers(1, 4))
def test_a_png_shows_the_modules_of_its_text(text: str, scale: int) -> None:
    assert _modules_of_png(png(text, scale=scale), scale) == _modules_of(text)


@settings(max_examples=25, deadline=None)
@given(TEXT)
def test_an_svg_shows_the_modules_of_its_text(text: str) -> None:
    assert _modules_of_svg(svg(text)) == _modules_of(text)


def test_another_text_is_another_picture() -> None:
    assert png(CODE) != png(CODE.replace("123.45", "123.46"))
    assert svg(CODE) != svg(CODE.replace("123.45", "123.46"))


@pytest.mark.parametrize(("scale", "pixels"), [(1, 61), (8, 488), (10, 610)])
def test_a_png_has_its_signature_and_its_size(scale: int, pixels: int) -> None:
    picture = png(CODE, scale=scale)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (pixels, pixels)


def test_a_png_has_eight_pixels_to_a_module_unless_told_otherwise() -> None:
    assert png(CODE) == png(CODE, scale=8)


def test_an_svg_takes_the_size_of_its_place_and_is_white_behind() -> None:
    drawing = _drawing(svg(CODE))
    assert drawing.tag == f"{SVG}svg"
    assert drawing.get("viewBox") == "0 0 61 61"
    assert (drawing.get("width"), drawing.get("height")) == (None, None)
    behind = drawing.find(f"{SVG}path")
    assert behind is not None
    assert (behind.get("fill"), behind.get("d")) == ("#fff", "M0 0h61v61h-61z")


@pytest.mark.parametrize("text", ["", "a" * (LONGEST + 1)])
def test_a_text_that_no_qr_code_holds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        png(text)
    with pytest.raises(ValueError, match=r"."):
        svg(text)


def test_the_longest_text_is_held_and_no_scale_below_one() -> None:
    assert _modules_of_png(png("a" * LONGEST, scale=1), 1) == _modules_of("a" * LONGEST)
    with pytest.raises(ValueError, match="scale"):
        png(CODE, scale=0)


def _modules_of(text: str) -> Modules:
    """Which modules are dark, from the library's own matrix, inside a quiet zone of four."""
    code = segno.make(text, error="M", micro=False, boost_error=False)
    assert code.error == "M"
    blank, side = [False] * 4, [[False] * (len(code.matrix) + 8)] * 4
    return [*side, *([*blank, *map(bool, row), *blank] for row in code.matrix), *side]


def _modules_of_png(picture: bytes, scale: int) -> Modules:
    """The first pixel of every module of a grey PNG of one bit; the other pixels of a module must be like it."""
    chunks = dict(_chunks(picture))
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (1, 0)
    rows = list(_rows(zlib.decompress(chunks[b"IDAT"]), 1 + (width + 7) // 8))
    assert len(rows) == height
    dark = [[not row[x // 8] >> (7 - x % 8) & 1 for x in range(width)] for row in rows]
    modules = [row[::scale] for row in dark[::scale]]
    assert dark == [[module for module in row for _ in range(scale)] for row in modules for _ in range(scale)]
    return modules


def _rows(raw: bytes, stride: int) -> Iterator[bytes]:
    """The rows, each written as it is (0) or as what it adds to the one above (2)."""
    above = bytes(stride - 1)
    for start in range(0, len(raw), stride):
        how, row = raw[start], raw[start + 1 : start + stride]
        assert how in {0, 2}
        above = bytes((low + high) % 256 for low, high in zip(row, above, strict=True)) if how else row
        yield above


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(picture):
        length, name = struct.unpack(">I4s", picture[at : at + 8])
        yield name, picture[at + 8 : at + 8 + length]
        at += 12 + length


def _drawing(document: bytes) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314 -- our own drawing, from no stranger


def _modules_of_svg(document: bytes) -> Modules:
    """What the strokes cover: each is one module high and as long as its `h` says."""
    drawing = _drawing(document)
    size = int(drawing.get("viewBox", "").split()[-1])
    strokes = [path for path in drawing.iter(f"{SVG}path") if path.get("stroke") == "#000"]
    modules, x, y = [[False] * size for _ in range(size)], 0, 0.0
    for move, dx, dy, length in re.findall(r"([Mm])(-?\d+) (-?[\d.]+)h(\d+)", strokes[0].get("d", "")):
        x, y = (int(dx), float(dy)) if move == "M" else (x + int(dx), y + float(dy))
        modules[int(y)][x : x + int(length)] = [True] * int(length)
        x += int(length)
    return modules
