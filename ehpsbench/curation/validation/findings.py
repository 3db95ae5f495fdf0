"""What a validation finds: a rule, how many rows break it, and one of them."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Finding", "Findings"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that something stored breaks.

    Attributes:
        rule: its name.
        rows: how many rows or files break it.
        example: one of them, with its value.
        remedy: what to do.
    """

    rule: str
    rows: int
    example: str
    remedy: str


@dataclass(slots=True)
class Findings:
    """Collects findings; those of one rule are one."""

    _rules: dict[str, Finding] = field(default_factory=dict)

    def add(self, rule: str, rows: int, example: str, remedy: str) -> None:
        """So many more rows break a rule; the first example is kept."""
        if rows:
            seen = self._rules.get(rule, Finding(rule, 0, example, remedy))
            self._rules[rule] = Finding(rule, seen.rows + rows, seen.example, seen.remedy)

    def all(self) -> tuple[Finding, ...]:
        """The findings in the order in which their rules were broken first."""
        return tuple(self._rules.values())
