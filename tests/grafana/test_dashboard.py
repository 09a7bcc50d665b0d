"""What all dashboards share: layout, variables, identity and links."""

from __future__ import annotations

import pytest

from grafana import dashboard
from grafana.dashboard import TITLES, Dashboard, Row
from grafana.panel_types import stat
from grafana.panels import Panel, PanelText
from grafana.texts import Text


def panel(title: str) -> Panel:
    return stat(PanelText(title, "What for?"), "up")


def made(name: str = "fleet", lang: str = "zh") -> dashboard.core.Dashboard:
    variables = [dashboard.datasource_variable(), dashboard.node_variable(multi=True)]
    return dashboard.build(
        Dashboard(name, Text("All", "全部"), variables, [Row(4, [(panel("One"), 24)])], refresh=30), lang
    )


def test_panels_stand_row_below_row_and_side_by_side() -> None:
    placed = dashboard.lay_out([Row(4, [(panel("a"), 12), (panel("b"), 12)]), Row(3, [(panel("c"), 24)])])
    places = [(row.gridPos.x, row.gridPos.y, row.gridPos.w, row.gridPos.h) for row in placed]
    assert places == [(0, 0, 12, 4), (12, 0, 12, 4), (0, 4, 24, 3)]
    assert [row.id for row in placed] == [1, 2, 3]


def test_row_that_is_too_wide_is_refused() -> None:
    with pytest.raises(ValueError, match="25 columns"):
        dashboard.lay_out([Row(4, [(panel("a"), 12), (panel("b"), 13)])])


def test_language_decides_texts_uid_tags_and_links() -> None:
    chinese = made()
    assert (chinese.uid, chinese.tags, chinese.description) == ("cmzsb-fleet-zh", ["cmzsb", "zh"], "全部")
    assert chinese.title == "CM-ZSB 节点总览 (fleet-zh)"
    assert chinese.refresh == "30s"
    assert made(lang="en").title == "CM-ZSB Fleet"
    assert all("-zh?" in link.uri for link in chinese.links)
    assert [link.title for link in chinese.links] == [text.zh for name, text in TITLES.items() if name != "fleet"]


def test_titles_differ_in_their_ascii_letters_because_grafana_9_compares_only_these() -> None:
    titles = [made(name, lang).title for name in TITLES for lang in ("en", "zh")]
    assert len({"".join(filter(str.isascii, title)) for title in titles}) == len(titles)


def test_links_to_a_node_keep_the_time_and_the_data_source() -> None:
    for link, node in (
        (dashboard.LINK_OF_LIGHT, "${__field.labels.node}"),
        (dashboard.LINK_OF_CELL, "${__value.raw}"),
    ):
        url = f"/d/cmzsb-node-zh?var-node={node}&var-datasource=${{datasource}}&${{__url_time_range}}"
        assert link["url"].zh == url


def test_links_of_alerts_lead_to_the_addresses_that_were_given() -> None:
    described = Dashboard("fleet", "All", [], [])
    given = {"docs_url": "http://docs", "alertmanager_url": "http://alerts"}
    variables = dashboard.build(described, "en", given).templating.list
    assert {row["name"]: row["query"] for row in variables} == given
    assert all((row["type"], row["hide"]) == ("constant", 2) for row in variables)


def test_several_nodes_can_be_chosen_only_where_that_makes_sense() -> None:
    assert dashboard.node_variable(multi=True)["multi"]
    assert "multi" not in dashboard.node_variable(multi=False)
