"""`ehpsbench`: which datasets are worth training on?"""

from __future__ import annotations

import sys

import typer

from ehpsbench.cli import (
    adapter,
    datasets,
    demo,
    doctor,
    evaluate,
    export,
    ingest,
    leaderboard,
    protocol,
    query,
    rank,
    report,
    sample,
    scaling,
    select,
    train,
    validate,
)
from ehpsbench.errors import EhpsbenchError, Stopped

WRONG_USE = 2
INTERRUPTED = 130  # what typer makes of Ctrl-C, without a word

app = typer.Typer(
    name="ehpsbench",
    help="Which datasets of human pose and shape are worth training on?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("doctor")(doctor.doctor)
app.command("datasets")(datasets.datasets)
app.add_typer(adapter.app, name="adapter")
app.command("sample")(sample.sample)
app.command("ingest")(ingest.ingest)
app.command("query")(query.query)
app.command("export")(export.export)
app.command("validate")(validate.validate)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(protocol.app, name="protocol")
app.command("rank-datasets")(rank.rank_datasets)
app.command("select")(select.select)
app.command("scaling")(scaling.scaling)
app.add_typer(leaderboard.app, name="leaderboard")
app.command("report")(report.report)
app.command("demo")(demo.demo)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and end."),
) -> None:
    if version:
        import ehpsbench

        print(ehpsbench.__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; an error on purpose is one message and exit code 2."""
    try:
        app()
    except EhpsbenchError as error:
        from ehpsbench.cli.console import visible

        print(f"ehpsbench: {visible(str(error))}", file=sys.stderr)
        sys.exit(error.code if isinstance(error, Stopped) else WRONG_USE)
    except OSError as error:
        if error.filename is None:  # such as a pipe that nobody reads
            raise
        from ehpsbench.cli.console import visible

        what = f"{error.strerror or type(error).__name__}: {error.filename}"
        print(
            f"ehpsbench: {visible(what)}. It could not be read or written; name another place, or "
            "change who may use this one.",
            file=sys.stderr,
        )
        sys.exit(WRONG_USE)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            print("ehpsbench: stopped; run the same command again to go on.", file=sys.stderr)
        raise
