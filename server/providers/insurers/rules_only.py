"""Where no insurer is asked: our rules decide every check."""

from __future__ import annotations

from domain.eligibility.eligibility_check import Question
from domain.eligibility.insurer import Insurer
from domain.eligibility.ports import InsurerAway, Told


class RulesOnly:
    """Answers `domain.eligibility.ports.InsurerServices`."""

    def serves(self, _insurer: Insurer) -> bool:
        """None."""
        return False

    async def check(self, _insurer: Insurer, _question: Question) -> Told:
        """Nobody is asked. Raises InsurerAway."""
        raise InsurerAway("no insurer's service is asked here")
