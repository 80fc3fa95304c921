"""evenfit export: a run's model as files for other programs."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.output import print_answer
from evenfit.cli.run_folder import folder_of


def export(
    run: Annotated[str, Parameter(help="The run: its name, or the path of its folder.")],
    /,
    *,
    format: Annotated[str, Parameter(help="onnx, torch or safetensors. Default: onnx.")] = "onnx",
    out: Annotated[str | None, Parameter(help="Folder to make. Default: export/FORMAT in the run's folder.")] = None,
    rows: Annotated[str | None, Parameter(help="Rows to check the file on. Default: the run's own table.")] = None,
    delimiter: Annotated[str | None, Parameter(help="Of those rows. Default: found from the file.")] = None,
    encoding: Annotated[str | None, Parameter(help="Of those rows. Default: found from the file.")] = None,
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Write a run's model as ONNX, a torch program or safetensors, checked against the model, with a model card."""
    from evenfit.runs.export import export as run_export
    from evenfit.runs.options import spelled_out

    made = run_export(
        folder_of(run, runs=runs),
        format=format,
        out=None if out is None else Path(out),
        rows=None if rows is None else Path(rows),
        delimiter=delimiter and spelled_out(delimiter),
        encoding=encoding,
    )
    print_answer(made, as_json=json)
    return 0
