"""A CSV file as numbered lines of named cells, read as it comes: of any size, and never more than a line in memory."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

_LONGEST: Final = 128 * 1024
"""Bytes of one line: the largest plan has a network of 5000 providers."""
_BOM: Final = b"\xef\xbb\xbf"
_DELIMITERS: Final = ",;\t"

Tell = Callable[[int, int, int], None]
"""Told how many bytes of how many were read, of 0 when nobody knows, and how many lines."""


class BadFile(Exception):
    """The file as a whole cannot be read; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `cells` by the name of their column, without outer blanks. The header is line 1."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BadLine:
    """What is wrong with a line; `column` is empty when it is the line as a whole."""

    number: int
    column: str
    reason: str


class TableFile:
    """A file that is open: its delimiter is the one that its header has most of."""

    def __init__(self, file: BinaryIO, name_of: Callable[[str], str], tell: Tell) -> None:
        """`name_of` gives the column's name for what the header says. Raises BadFile."""
        self._file = file
        self._tell = tell
        self._size = os.fstat(file.fileno()).st_size
        texts = self._texts()
        header = next(texts, "")
        delimiter = max(_DELIMITERS, key=header.count)
        self.header: Sequence[str] = _header(header, delimiter, name_of)
        self._rows = csv.reader(texts, delimiter=delimiter, strict=True)

    def lines(self) -> Iterator[Line | BadLine]:
        """Every line after the header that is not blank. Raises BadFile."""
        while True:
            number = self._rows.line_num + 2
            try:
                row = next(self._rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield BadLine(number, "", f"is not CSV: {error}")
                continue
            if not any(row):
                continue
            if len(row) == len(self.header):
                yield Line(number, dict(zip(self.header, map(str.strip, row), strict=True)))
            else:
                yield BadLine(number, "", f"has {len(row)} cells, and the header has {len(self.header)}")

    def _texts(self) -> Iterator[str]:
        """The lines as text."""
        done = number = 0
        while raw := self._file.readline(_LONGEST + 1):
            number += 1
            done += len(raw)
            if len(raw) > _LONGEST:
                raise BadFile(f"line {number} has more than {_LONGEST} bytes")
            self._tell(done, self._size, number)
            yield _decoded(raw.removeprefix(_BOM) if number == 1 else raw, number)


def _decoded(raw: bytes, number: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadFile(
            f"line {number} is not UTF-8 (perhaps Latin-1 or UTF-16): save the file as UTF-8, with or without a BOM"
        ) from error


def _header(text: str, delimiter: str, name_of: Callable[[str], str]) -> list[str]:
    try:
        (cells,) = csv.reader([text], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        raise BadFile("line 1 must be the header, which names the columns") from error
    header = [name_of(" ".join(cell.split()).lower()) for cell in cells]
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise BadFile(f"line 1 names {', '.join(twice)} more than once")
    return header
