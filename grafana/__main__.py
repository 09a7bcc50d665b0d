"""The command that writes the dashboards."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grafana.render import LANGUAGES, write
from servicekit import cli
from servicekit.version import __version__


@click.command("cmzsb-dashboards")
@click.option(
    "--out",
    envvar="CMZSB_DASHBOARDS_OUT",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Directory to write to; each language gets its own below it.",
)
@click.option(
    "--lang",
    envvar="CMZSB_DASHBOARDS_LANG",
    type=click.Choice([*LANGUAGES, "all"]),
    default="all",
    show_default=True,
    help="Language of the dashboards.",
)
@click.version_option(__version__)
def command(out: Path, lang: str) -> None:
    """Write the Grafana dashboards as JSON files."""
    try:
        written = write(out, LANGUAGES if lang == "all" else (lang,))
    except OSError as error:
        raise cli.StartError(f"{out}: {error.strerror}") from None
    for path in written:
        click.echo(path)


def main() -> None:
    """Run the `cmzsb-dashboards` command."""
    sys.exit(cli.run(command))


if __name__ == "__main__":
    main()
