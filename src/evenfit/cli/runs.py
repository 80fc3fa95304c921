"""evenfit runs: the runs there are."""

from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.output import print_json, print_table

_LONGEST = 60  # characters of a cell


def runs(
    *,
    tag: Annotated[
        list[str] | None, Parameter(help="Only those that have it; several: those that have all.", negative="")
    ] = None,
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON list.")] = False,
) -> int:
    """List the runs, the latest last."""
    from evenfit.runs.listing import list_runs

    rows = list_runs(runs, tags=tag or ())
    if json:
        print_json(rows)
    elif rows:
        shown = _used(rows)
        print_table([{name: _short(row[name]) for name in row if name in shown} for row in rows])
    elif tag:
        print_table([{"runs": f"none in {runs} with the tag {' and '.join(tag)}"}])
    else:
        print_table([{"runs": f"none in {runs} yet; evenfit fit makes one"}])
    return 0


def _used(rows: list[dict[str, object]]) -> set[str]:
    """The columns to show: tags and notes only where there are any, kinds only where one is a sweep."""
    kinds = {row.get("kind") for row in rows}
    return {
        name
        for row in rows
        for name, value in row.items()
        if (value or name not in ("tags", "note")) and (name != "kind" or "sweep" in kinds)
    }


def _short(value: object) -> object:
    """A cell that leaves room for the others: of a long note, its beginning."""
    return f"{value[:_LONGEST]}..." if isinstance(value, str) and len(value) > _LONGEST + 3 else value
