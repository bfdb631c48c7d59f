"""A mini-batch that was cut into pieces, one poison row being somewhere in it, as the table that it would have been."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from shared.batch.writing.agreement import fitted, settled
from shared.batch.writing.parts import Labels

# Of the columns of a part, those that stand behind the outputs.
_BEHIND: Final = 1 + len(Labels._fields)


def joined(pieces: Sequence[pa.Table]) -> pa.Table:
    """Raises ScoringFailed where JSON cannot hold what pieces of different types have in common.

    Objects need not have the same keys in all rows: what a whole piece lacks is missing in its rows, as it would be had
    the model been asked for all rows at once.
    """
    if len(pieces) == 1:
        return pieces[0]
    names = _names(pieces)
    whole = [_completed(piece, names) for piece in pieces]
    schema = settled(whole)
    return pa.concat_tables([fitted(piece, schema) for piece in whole])


def _names(pieces: Sequence[pa.Table]) -> list[str]:
    """In the order in which they come first."""
    before = dict.fromkeys(name for piece in pieces for name in piece.column_names[:-_BEHIND])
    return [*before, *pieces[0].column_names[-_BEHIND:]]


def _completed(piece: pa.Table, names: Sequence[str]) -> pa.Table:
    own = set(piece.column_names)
    return pa.table([piece[name] if name in own else pa.nulls(piece.num_rows) for name in names], names)
