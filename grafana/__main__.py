"""The command that writes the dashboards, or loads them into a running Grafana."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from servicekit.extras import needed

with needed("cmzsb-dashboards", "grafana", python=(3, 10)):
    import click

    from grafana.dashboard import ADDRESSES
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
@_option(
    "--docs-url",
    "Where a browser finds the runbooks: the docs folder of this project.",
    default=ADDRESSES["docs_url"],
)
@_option("--alertmanager-url", "Where a browser finds Alertmanager.", default=ADDRESSES["alertmanager_url"])
@click.version_option(__version__)
def command(
    out: Path | None,
    lang: str,
    push: str | None,
    token_file: Path | None,
    folder: str | None,
    prometheus_url: str | None,
    docs_url: str,
    alertmanager_url: str,
) -> None:
    """Write the Grafana dashboards as JSON files, or load them into a running Grafana."""
    if out is None and push is None:
        raise click.UsageError("give --out DIR or --push URL")
    if push is not None and token_file is None:
        raise click.UsageError("--push needs --token-file")
    languages = LANGUAGES if lang == "all" else (lang,)
    addresses = {"docs_url": docs_url.rstrip("/"), "alertmanager_url": alertmanager_url.rstrip("/")}
    if out is not None:
        _write(out, languages, addresses)
    if push is not None and token_file is not None:
        grafana = Grafana(push, read_token(token_file))
        _prepare(grafana, folder, prometheus_url)
        for _, model in models(languages, addresses):
            click.echo(grafana.save(model))


def _write(directory: Path, languages: tuple[str, ...], addresses: Mapping[str, str]) -> None:
    try:
        written = write(directory, languages, addresses)
    except OSError as error:
        raise StartError(f"{directory}: {error.strerror}") from None
    for path in written:
        click.echo(path)


def _prepare(grafana: Grafana, folder: str | None, prometheus_url: str | None) -> None:
    grafana.check_version()
    if prometheus_url is not None:
        grafana.ensure_datasource(prometheus_url)
    grafana.ensure_folder(folder)


def main() -> None:
    """Run the `cmzsb-dashboards` command."""
    sys.exit(cli.run(command))


if __name__ == "__main__":
    main()
