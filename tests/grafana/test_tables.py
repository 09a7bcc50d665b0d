"""Tables of figures and listings."""

from __future__ import annotations

from grafana import tables
from grafana.panels import Panel, PanelText
from grafana.tables import Column, LimitColumn
from grafana.thresholds import RED_SHADE
from tests.grafana.shown import properties

TEXT = PanelText("Nodes", "Which ones?")
LINK = {"title": "Show", "url": "/d/x"}


def own(panel: Panel, name: str) -> dict[str, object]:
    return properties({"fieldConfig": {"overrides": panel.overrides}}, name)


def organized(panel: Panel) -> dict[str, dict[str, object]]:
    merge, organize = panel.transformations
    assert merge == {"id": "merge", "options": {}}
    options: dict[str, dict[str, object]] = organize["options"]
    return options


def test_figures_have_one_query_and_title_per_column() -> None:
    columns = [Column("Sends", "up", "s", 1), LimitColumn("of limit", "up", "limit:x:threshold")]
    panel = tables.figures(TEXT, "Node", columns, "Sends", LINK)
    assert organized(panel)["renameByName"] == {"node": "Node", "Value #A": "Sends", "Value #B": "of limit"}
    assert organized(panel)["indexByName"] == {"node": 0, "Value #A": 1, "Value #B": 2}
    assert panel.options["sortBy"] == [{"displayName": "Sends", "desc": True}]
    assert own(panel, "Node") == {"links": [LINK]}
    assert own(panel, "Sends") == {"unit": "s", "decimals": 1}


def test_column_of_a_limit_is_the_share_of_it_in_colour() -> None:
    panel = tables.figures(TEXT, "Node", [LimitColumn("of limit", "up", "limit:x:threshold")], "of limit", LINK)
    assert panel.queries[0].expr == "(up) / on () group_left () limit:x:threshold"
    cell = own(panel, "of limit")
    assert cell["unit"] == "percentunit"
    assert cell["custom.cellOptions"] == {"type": "color-background", "mode": "basic"}
    assert cell["custom.displayMode"] == "color-background", "Grafana before 9.5"
    assert RED_SHADE in str(cell["thresholds"])


def test_several_queries_are_joined_and_their_values_hidden_unless_they_have_a_title() -> None:
    panel = tables.joined(TEXT, ["up", "1 - up"], {"node": "Node", "Value #B": "Down"}, [], none="None")
    assert [query.expr for query in panel.queries] == ["up", "1 - up"]
    assert own(panel, "Value #A") == {"custom.hidden": True}
    assert own(panel, "Value #B") == {}


def test_values_are_mapped_to_texts_and_colours_in_order() -> None:
    mapping = tables.value_mapping({"a": ("A", "#ffffff"), "b": ("B", "")})
    assert mapping["options"] == {"a": {"index": 0, "text": "A", "color": "#ffffff"}, "b": {"index": 1, "text": "B"}}


def test_listing_hides_a_value_without_a_title() -> None:
    panel = tables.listing(TEXT, "up == 0", {"node": "Node"}, none="All answer")
    assert own(panel, "Value") == {"custom.hidden": True}
    assert panel.defaults["noValue"] == "All answer"
    assert panel.options["sortBy"] == []
    titled = tables.listing(TEXT, "up == 0", {"node": "Node", "Value": "Since"}, none="None", sort_by="Since")
    assert own(titled, "Value") == {}
    assert titled.options["sortBy"] == [{"displayName": "Since", "desc": True}]
