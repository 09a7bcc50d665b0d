"""The command that writes the dashboards, or loads them into a running Grafana."""

from __future__ import annotations

import sys
from pathlib import Path

from servicekit.extras import needed

with needed("cmzsb-dashboards", "grafana", python=(3, 10)):
    import click

    from grafana.push import Grafana
    from grafana.render import models, write
    from grafana.texts import LANGUAGES
    from servicekit import cli
    from servicekit.errors import StartError
    from servicekit.secrets import read_token
    from servicekit.version import __version__

_option = cli.Options("CMZSB_DASHBOARDS_")


@click.command("cmzsb-dashboards")
@_option(
    "--out",
    "Directory to write to; each language gets its own below it.",
    type=click.Path(path_type=Path, file_okay=False),
)
@_option("--lang", "Language of the dashboards.", type=click.Choice([*LANGUAGES, "all"]), default="all")
@_option("--push", "Grafana to load the dashboards into, e.g. http://HEAD:3000.")
@_option("--token-file", "File with the token of a Grafana service account.", type=click.Path(path_type=Path))
@_option("--folder", "Title of their folder; a new one is called CM-ZSB.")
@_option("--prometheus-url", "Also make the data source: Prometheus as Grafana reaches it.")
@click.version_option(__version__)
def command(
    out: Path | None,
    lang: str,
    push: str | None,
    token_file: Path | None,
    folder: str | None,
    prometheus_url: str | None,
) -> None:
    """Write the Grafana dashboards as JSON files, or load them into a running Grafana."""
    languages = LANGUAGES if lang == "all" else (lang,)
    if out is None and push is None:
        raise click.UsageError("give --out DIR or --push URL")
    if out is not None:
        _write(out, languages)
    if push is not None:
        if token_file is None:
            raise click.UsageError("--push needs --token-file")
        _push(Grafana(push, read_token(token_file)), languages, folder, prometheus_url)


def _write(directory: Path, languages: tuple[str, ...]) -> None:
    try:
        written = write(directory, languages)
    except OSError as error:
        raise StartError(f"{directory}: {error.strerror}") from None
    for path in written:
        click.echo(path)


def _push(grafana: Grafana, languages: tuple[str, ...], folder: str | None, prometheus_url: str | None) -> None:
    grafana.check_version()
    if prometheus_url is not None:
        grafana.ensure_datasource(prometheus_url)
    grafana.ensure_folder(folder)
    for _, model in models(languages):
        click.echo(grafana.save(model))


def main() -> None:
    """Run the `cmzsb-dashboards` command."""
    sys.exit(cli.run(command))


if __name__ == "__main__":
    main()
