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

    def must_read(self, field: str, read: Callable[[str], str], text: str, rule: str) -> None:
        """Note what `read` refuses by ValueError, and what is not as `read` gives it: two keys would be one number."""
        try:
            self.must(read(text) == text, field, "must have capital letters and digits only, no punctuation", rule)
        except ValueError as error:
            self.found.append(Violation(field, str(error), rule))

    def must_be_id(self, field: str, text: str, most: int) -> None:
        """Note a text that is no line of 1 to `most` characters, or has blanks around it, which nobody can see."""
        self.must_be_text(field, text, most)
        if text != text.strip(" "):
            self.found.append(Violation(field, "must have no blanks around it", "text"))

    def must_be_text(self, field: str, text: str, most: int, *, least: int = 1) -> None:
        """Note a text of other than `least` to `most` characters, or with characters that no line can hold."""
        fits = least <= len(text) <= most and text.isprintable()
        self.must(fits, field, f"must be a line of {least} to {most} characters", "text")

    def must_be_window(self, first: date | None, last: date | None, field: str) -> None:
        """Note a last day before the first one."""
        in_order = first is None or last is None or first <= last
        self.must(in_order, field, "must not be before the first day", "window")
