"""What is wrong with a piece of reference data, all of it at once: the same for a call and for a line of a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from domain.errors import Violation


class Findings:
    """Collects violations; a field is named as the noun names it."""

    def __init__(self) -> None:
        self.found: list[Violation] = []

    def must(self, held: bool, field: str, sentence: str, rule: str) -> None:
        """Note the sentence unless it held."""
        if not held:
            self.found.append(Violation(field, sentence, rule))

    def must_read(self, field: str, read: Callable[[str], object], text: str, rule: str) -> None:
        """Note what `read` refuses by ValueError."""
        try:
            read(text)
        except ValueError as error:
            self.found.append(Violation(field, str(error), rule))

    def must_be_text(self, field: str, text: str, most: int, *, least: int = 1) -> None:
        """Note a text of other than `least` to `most` characters, or with characters that no line can hold."""
        fits = least <= len(text) <= most and text.isprintable()
        self.must(fits, field, f"must be a line of {least} to {most} characters", "text")

    def must_be_window(self, first: date | None, last: date | None, field: str) -> None:
        """Note a last day before the first one."""
        in_order = first is None or last is None or first <= last
        self.must(in_order, field, "must not be before the first day", "window")
