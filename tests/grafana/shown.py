"""What Grafana shows of a panel: as much of it as our panels use, from the same JSON and a real Prometheus.

A light is `(name, text, colour)`, a figure `(value or text, colour)`, a table a list of rows by column
title, a chart the points `(second, value)` of each series by its name in the legend.
"""

from __future__ import annotations

import itertools
import math
import re
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any, NamedTuple

from grafana.thresholds import GREY
from testkit.net import get_json
from tests.grafana.files import Json

SCRAPE_SECONDS = 2
"""As in the demo's copy of prometheus.yml."""


class Frame(NamedTuple):
    """One series of a query's result: the query's name, its labels, its points `(second, value)`."""

    ref: str
    name: str
    labels: dict[str, str]
    points: list[tuple[float, float]]

    @property
    def last(self) -> float:
        return self.points[-1][1]


class Screen:
    """A dashboard on the screen: the chosen nodes, and the Prometheus that it queries from the second `start` on."""

    def __init__(
        self,
        url: str,
        start: float,
        node: str = ".*",
        node_ip: str = "",
        interval: str = "4s",
        location: str = ".*",
        end: float | None = None,
        scrape_seconds: float = SCRAPE_SECONDS,
    ) -> None:
        self.scrape_seconds = scrape_seconds
        self.end = end
        self.url = url
        self.start = start
        self.variables = {"$node_ip": node_ip, "$node": node, "$location": location}
        self.interval = interval

    def lights(self, panel: Json) -> list[tuple[str, str, str]]:
        """Return what a stat panel shows of series whose values are mapped to texts."""
        defaults = panel["fieldConfig"]["defaults"]
        shown = [(frame.name, mapped(defaults["mappings"], frame.last)) for frame in self.frames(panel)]
        return [(name, row["text"], row["color"]) for name, row in shown] or [("", defaults["noValue"], GREY)]

    def states(self, panel: Json) -> dict[str, list[str]]:
        """Return the texts that a timeline shows one after another, of each series."""
        mappings = panel["fieldConfig"]["defaults"]["mappings"]
        return {
            frame.name: [
                text for text, _ in itertools.groupby(mapped(mappings, value)["text"] for _, value in frame.points)
            ]
            for frame in self.frames(panel)
        }

    def figure(self, panel: Json) -> tuple[float | str, str]:
        """Return the figure of a stat panel, or its text, and the colour."""
        defaults = panel["fieldConfig"]["defaults"]
        frames = {frame.ref: frame for frame in self.frames(panel)}
        if not frames:
            return _nothing(defaults)
        # A limit that comes alone is taken for the figure.
        value = next(iter(frames.values())).last
        for mapping in defaults["mappings"]:
            if row := mapping["options"].get(f"{value:g}"):
                return row["text"], row["color"]
        return value, colour_of(value / self._whole(panel, frames), defaults["thresholds"]["steps"])

    def _whole(self, panel: Json, frames: dict[str, Frame]) -> float:
        for transformation in panel.get("transformations", []):
            assert transformation["id"] == "configFromData"
            options, limit = transformation["options"], frames[transformation["options"]["configRefId"]]
            assert options["mappings"][0]["fieldName"] == limit.name
            assert options["applyTo"] == {"id": "byName", "options": frames["A"].name}
            return limit.last / 100
        return 1.0

    def figures(self, panel: Json) -> dict[str, tuple[float, str]]:
        """Return the latest value and the colour of each series, by the name that the overrides give it."""
        found = {}
        for frame in self.frames(panel):
            own = properties(panel, frame.name)
            found[own["displayName"]] = (frame.last, own["color"]["fixedColor"])
        return found

    def table(self, panel: Json) -> list[dict[str, Any]]:
        """Return the rows of a table in order; a coloured cell is `(value, colour)`."""
        merge, organize = panel["transformations"]
        assert (merge["id"], organize["id"]) == ("merge", "organize")
        titles = organize["options"]["renameByName"]
        several = len(panel["targets"]) > 1
        frames = self.frames(panel, "table")
        labels: dict[str, set[str]] = {}
        for frame in frames:
            labels.setdefault(frame.ref, set()).update(frame.labels)
        common = set.intersection(*labels.values()) if labels else set()
        rows: dict[Any, dict[str, Any]] = {}
        for position, frame in enumerate(frames):
            # Rows are merged where they agree in the labels that all queries have.
            key = tuple(frame.labels.get(name) for name in sorted(common)) if several else position
            row = rows.setdefault(key, {})
            row |= frame.labels | {f"Value #{frame.ref}" if several else "Value": frame.last}
        renamed = ({titles.get(name, name): value for name, value in row.items()} for row in rows.values())
        shown = [self._cells(panel, row) for row in renamed]
        for order in panel["options"]["sortBy"]:
            shown.sort(key=lambda row: _plain(row.get(order["displayName"], "")), reverse=order["desc"])
        return shown

    def _cells(self, panel: Json, row: dict[str, Any]) -> dict[str, Any]:
        cells = {}
        for title, value in row.items():
            own = properties(panel, title)
            if own.get("custom.hidden"):
                continue
            found = mapped(own.get("mappings", []), value)
            text = found.get("text", value)
            if own.get("custom.cellOptions", {}).get("type") == "color-background":
                colour = found.get("color") or colour_of(value, own["thresholds"]["steps"])
                cells[title] = (text, colour)
            else:
                cells[title] = text
        return cells

    def chart(self, panel: Json) -> dict[str, list[tuple[float, float]]]:
        """Return the points of each series by its name in the legend."""
        return {frame.name: frame.points for frame in self.frames(panel)}

    def frames(self, panel: Json, form: str = "") -> list[Frame]:
        """Return the series that the panel's queries find."""
        wanted = form or ("heatmap" if panel["type"] == "heatmap" else "time_series")
        assert {target["format"] for target in panel["targets"]} == {wanted}
        assert panel["options"].get("reduceOptions", {"calcs": ["lastNotNull"]})["calcs"] == ["lastNotNull"]
        interval, most = panel.get("interval", "1s"), panel.get("maxDataPoints", 1000)
        return [frame for target in panel["targets"] for frame in self._ask(target, interval, most)]

    def _ask(self, target: Json, interval: str, most_points: int) -> Iterator[Frame]:
        assert target["range"] != target["instant"]
        least = seconds(self.interval if interval == "$interval" else interval)
        step = max(least, math.ceil(((self.end or time.time()) - self.start) / most_points))
        for row in self.query(target["expr"], step, over_time=target["range"]):
            points = [(float(at), float(value)) for at, value in row.get("values") or [row["value"]]]
            yield Frame(target["refId"], legend(target["legendFormat"], row["metric"]), row["metric"], points)

    def query(self, promql: str, step: float, *, over_time: bool) -> list[Json]:
        """Return what Prometheus answers: for now, or in steps that end now."""
        now = self.end or time.time()
        built_in = {
            "$__rate_interval": f"{max(step + self.scrape_seconds, 4 * self.scrape_seconds):g}s",
            "$__interval_ms": f"{step * 1000:g}",
            "$__interval": f"{step:g}s",
            "$__range_s": f"{now - self.start:.0f}",
            "$__range": f"{now - self.start:.0f}s",
        }
        for variable, value in (built_in | self.variables).items():
            promql = promql.replace(variable, value)
        asked = {"query": promql, "time": f"{now}"}
        if over_time:
            start = now - step * math.ceil((now - self.start) / step)
            asked = {"query": promql, "start": f"{start}", "end": f"{now}", "step": f"{step}"}
        path = "query_range" if over_time else "query"
        found: list[Json] = get_json(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(asked)}")["data"]["result"]
        return found


def mapped(mappings: list[Json], value: Any) -> Json:
    """Return text and colour of the first mapping that fits `value`; {} where none does."""
    for mapping in mappings:
        options = mapping["options"]
        if mapping["type"] == "value":
            key = f"{value:g}" if isinstance(value, float) else value
            if key in options:
                found: Json = options[key]
                return found
        elif mapping["type"] == "range" and options["from"] <= value <= options["to"]:
            result: Json = options["result"]
            return result
    return {}


def _nothing(defaults: Json) -> tuple[str, str]:
    """Return what Grafana shows in place of a figure without data: text and colour."""
    for mapping in defaults["mappings"]:
        if mapping["type"] == "special" and mapping["options"]["match"] in ("null", "null+nan"):
            result = mapping["options"]["result"]
            return result["text"], result["color"]
    if "noValue" in defaults:
        return defaults["noValue"], GREY
    in_percent = defaults["thresholds"]["mode"] == "percentage"
    return "No data", colour_of(0 if in_percent else -math.inf, defaults["thresholds"]["steps"])


def legend(form: str, labels: dict[str, str]) -> str:
    """Return what Grafana calls a series."""
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), form)


def seconds(duration: str) -> float:
    stat, unit = re.fullmatch(r"(\d+)([smh])", duration).groups()  # type: ignore[union-attr]
    return float(stat) * {"s": 1, "m": 60, "h": 3600}[unit]


def colour_of(value: float, steps: list[Json]) -> str:
    """Return the colour of the last step that `value` reaches."""
    return [step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]


def properties(panel: Json, name: str) -> Json:
    """Return what the overrides set for the field `name`."""
    overrides = panel["fieldConfig"]["overrides"]
    chosen = (row["properties"] for row in overrides if row["matcher"] == {"id": "byName", "options": name})
    return {own["id"]: own["value"] for rows in chosen for own in rows}


def _plain(cell: Any) -> Any:
    return cell[0] if isinstance(cell, tuple) else cell
