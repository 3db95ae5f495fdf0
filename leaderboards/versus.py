"""Two entries, or the seeds of two training sets, compared on the benchmarks of a board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ehpsbench.errors import BodyMismatch, InputError, UnknownName
from ehpsbench.evaluation.protocol import NumberFacts, protocol, rules_then
from ehpsbench.evaluation.results import has_result, identity_column, read_result, read_summary
from ehpsbench.leaderboards.board import SIGN, Board, BoardBenchmark, columns_of
from ehpsbench.leaderboards.drawn import ErrorRows, NumberRows, Rows
from ehpsbench.leaderboards.entrants import entrants_in
from ehpsbench.leaderboards.paired import (
    IMAGES,
    METHOD,
    PEOPLE,
    Difference,
    Pair,
    difference,
    mean_difference,
    pair_of_people,
    pair_of_statistics,
)
from ehpsbench.leaderboards.standings import check_body_sets, entries, number_rows
from ehpsbench.leaderboards.table import plain
from ehpsbench.resampling import LEAST_CLUSTERS
from ehpsbench.training import cells

if TYPE_CHECKING:
    from ehpsbench.store import Store

NETWORKS = (
    "one network each: p is of these two networks on these recordings, and says nothing of what "
    "other seeds of the same training would do"
)
SEEDS = "the means over seeds are compared as if no seed could come out otherwise"


@dataclass(frozen=True, slots=True)
class Column:
    """A benchmark on which both were scored.

    Attributes:
        id: of the board's column.
        facts: unit and direction of its number.
        counts: in the board's mean.
        found: the two numbers and their difference.
    """

    id: str
    facts: NumberFacts
    counts: bool
    found: Difference

    @property
    def better(self) -> str:
        """`A`, `B`, or nobody."""
        gain = SIGN[self.facts.better] * self.found.difference
        return "A" if gain < 0 else "B" if gain > 0 else ""


@dataclass(frozen=True, slots=True)
class Versus:
    """A against B on a board.

    Attributes:
        board: its title.
        a: name of the first.
        b: name of the second.
        entries_a: whose errors A's are the mean of.
        entries_b: the same of B.
        columns: benchmarks that both have.
        mean: of all columns that count; None where one is missing or a mean means nothing.
        missing: column → why it is not compared.
        remarks: what to doubt.
        seed: of the random numbers.
        samples: resamples.
        method: in words.
    """

    board: str
    a: str
    b: str
    entries_a: tuple[str, ...]
    entries_b: tuple[str, ...]
    columns: tuple[Column, ...]
    mean: Column | None
    missing: Mapping[str, str]
    remarks: tuple[str, ...]
    seed: int
    samples: int
    method: str = METHOD

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, dicts and numbers; NaN becomes None."""
        found: dict[str, Any] = plain(asdict(self))
        return found


def versus(
    store: Store, board: Board, a: str, b: str, *, samples: int = 2000, seed: int = 0
) -> Versus:
    """Compare two entries, or two groups of seeds, by the people that both were scored on.

    Args:
        store: with their results; incomplete ones are compared on the people that both have.
        board: benchmarks and their numbers.
        a: an entry, or a training set whose cells are the seeds of one group.
        b: another.
        samples: resamples.
        seed: of the random numbers.

    Raises:
        UnknownName: nobody of that name has a result on the board.
        InputError: the two share no benchmark, or were scored by other rules or on other data.
        BodyMismatch: they were scored with two body sets.
    """
    of_a, of_b = (_members(store, board, name) for name in (a, b))
    sides = (of_a, of_b)
    if of_a == of_b:
        raise InputError(f"{a} and {b} are the same results; name two that differ.")
    facts = columns_of(board)
    lacks = {c.id: why for c in board.benchmarks if (why := _lacking(store, c, sides))}
    known = [c for c in board.benchmarks if c.id not in lacks]
    if not known:
        words = "; ".join(f"{column}: {why}" for column, why in lacks.items())
        raise InputError(f"{a} and {b} share no benchmark of the board {board.name}. {words}.")
    pairs = {c.id: _pair(store, c, sides) for c in known}
    every = (*of_a, *of_b)
    said = {p: {e: read_summary(store, e, p) for e in every} for p in {c.protocol for c in known}}
    check_body_sets(board, said)
    columns = tuple(
        Column(c.id, facts[c.id], c.counts, difference(pairs[c.id], samples, seed, c.protocol))
        for c in known
    )
    mean = _mean(board, columns, pairs, samples, seed)
    remarks = tuple(_remarks(store, sides, columns))
    return Versus(board.title, a, b, of_a, of_b, columns, mean, lacks, remarks, seed, samples)


def _members(store: Store, board: Board, name: str) -> tuple[str, ...]:
    """The entry of that name, or the seeds of the group of that name."""
    if name in entries(store):
        return (name,)
    grouped = entrants_in(store, board)
    members = tuple(e for e, entrant in grouped.items() if entrant.group == name)
    if not members:
        known = {*grouped, *(entrant.group for entrant in grouped.values())}
        raise UnknownName.of(f"entry with a result on {board.name}", name, known)
    return members


def _lacking(store: Store, column: BoardBenchmark, sides: Sequence[Sequence[str]]) -> str:
    """Why a column cannot be compared; empty if it can."""
    every = [entry for side in sides for entry in side]
    without = [e for e in every if not has_result(store, e, column.protocol)]
    if without:
        return f"no result of {', '.join(without)}"
    if protocol(column.protocol).task == "mesh":
        return ""
    partial = [e for e in every if not read_summary(store, e, column.protocol)["complete"]]
    return f"incomplete result of {', '.join(partial)}" if partial else ""


def _pair(store: Store, column: BoardBenchmark, sides: Sequence[Sequence[str]]) -> Pair:
    """A and B on one benchmark, refused where their numbers must not meet."""
    read = {e: read_result(store, e, column.protocol) for side in sides for e in side}
    _refuse_mixed(column.protocol, {e: r.summary for e, r in read.items()})
    rules = protocol(column.protocol)
    first = next(iter(read.values())).summary
    if first["protocol_hash"] != rules.hash:  # of an older version, the same for both
        rules = rules_then(first)
    a, b = ([number_rows(read[e].rows, rules, column.primary) for e in side] for side in sides)
    if rules.task == "mesh":
        return pair_of_people(_errors(a), _errors(b))
    if len(a) + len(b) > 2:
        raise InputError(
            f"{column.id} is no mean of people, so that seeds cannot be averaged person by person; "
            "name one entry of each, such as "
            f"{sides[0][0]} and {sides[1][0]}."
        )
    one, other = a[0], b[0]
    if not (isinstance(one, NumberRows) and isinstance(other, NumberRows)):
        raise InputError(f"{column.id}: the two were scored by different tasks.")
    rows = read[sides[0][0]].rows
    scored = IMAGES if identity_column(rows) == "image_id" else PEOPLE
    return pair_of_statistics(one, other, scored)


def _errors(rows: Sequence[Rows]) -> list[ErrorRows]:
    return [one for one in rows if isinstance(one, ErrorRows)]


def _refuse_mixed(benchmark: str, summaries: Mapping[str, Mapping[str, Any]]) -> None:
    """Say who differs in what, rather than compare numbers that are not the same thing."""
    (first, one), *others = summaries.items()
    what = {
        "protocol_hash": ("by the protocol", "Evaluate both again.", InputError),
        "body_set": ("with the body set", "Evaluate both with one.", BodyMismatch),
        "data": ("on the data", "Evaluate both with the present store.", InputError),
    }
    for entry, summary in others:
        for key, (words, remedy, error) in what.items():
            if summary[key] != one[key]:
                raise error(
                    f"{benchmark}: {first} was scored {words} {str(one[key])[:12]}, {entry} "
                    f"{words} {str(summary[key])[:12]}. Their numbers do not compare. {remedy}"
                )


def _mean(
    board: Board, columns: Sequence[Column], pairs: Mapping[str, Pair], samples: int, seed: int
) -> Column | None:
    """The mean over the columns that count, tested as a whole."""
    if board.order != "mean" or len(board.counted) < 2 or not set(board.counted) <= set(pairs):
        return None
    named = {b.id: b.protocol for b in board.benchmarks}
    found = mean_difference([(pairs[i], named[i]) for i in board.counted], samples, seed)
    facts = next(c.facts for c in columns if c.counts)
    return Column(board.score_in(facts.unit), facts, True, found)


def _remarks(store: Store, sides: Sequence[Sequence[str]], columns: Sequence[Column]) -> list[str]:
    """What to doubt about all that is said."""
    said = []
    if any(cells.trained(store, entry) for side in sides for entry in side):
        said.append(NETWORKS if all(len(side) == 1 for side in sides) else SEEDS)
    for what in (PEOPLE, IMAGES):
        few = [c.id for c in columns if c.found.resampled == what]
        if few:
            said.append(
                f"fewer than {LEAST_CLUSTERS} clusters in {', '.join(few)}: {what} are drawn and "
                "exchanged there, so that intervals are too narrow and p too small"
            )
    return said
