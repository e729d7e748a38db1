"""What judgements are made from: the places of one input, its file and rows, and findings about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chongming_gis.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.config import DemandSource, FacilitySource, Provenance, StudyConfig
    from chongming_gis.findings import Severity
    from chongming_gis.tables import StudyInputs

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Objects = npt.NDArray[np.object_]

DEMAND = "demand"


def facilities_role(service_id: str) -> str:
    """Return the role of a service's facilities, as the manifest names it."""
    return f"facilities:{service_id}"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the study, for findings about it as a whole."""

    role: str
    where: str  # the file as the study names it

    def finding(
        self,
        message: str,
        *,
        rule: str,
        severity: Severity = "warning",
        suggestion: str = "",
        details: Mapping[str, str] | None = None,
    ) -> Finding:
        """Return a finding about the whole input; blanks of the message are filled from ``details``."""
        filled = dict(details or {})
        said = message.format(**filled)
        return Finding(severity, self.where, said, suggestion, rule=rule, details=filled, role=self.role)


def input_of(role: str, source: Provenance | None) -> Input:
    """Return an input by its section of the study; one that the study lacks is named by its role."""
    path = getattr(source, "path", None)
    return Input(role, role if path is None else path.as_posix())


@dataclass(frozen=True, slots=True)
class PlaceTable:
    """The places of one input with what is known of their rows in the file."""

    source: Input
    frame: gpd.GeoDataFrame  # in the study's metric CRS, index 0 .. n-1
    key: str  # the column of ids
    quality_m: Floats  # how far off each place may be; 0 where nothing is stated
    datum: str | None = None  # None for layers, which name their CRS themselves
    row_of: Mapping[str, int] = field(default_factory=dict)  # id -> row of the file
    sheet: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)  # our column -> the file's

    def findings(
        self,
        faulty: npt.ArrayLike,
        message: str,
        *,
        rule: str,
        severity: Severity = "warning",
        suggestion: str = "",
        column: str = "",
        details: Mapping[str, Sequence[str] | str] | None = None,
    ) -> list[Finding]:
        """Return one finding a faulty place.

        Parameters
        ----------
        message : with blanks for ``details``.
        column : ours; the place's value in it is told.
        details : one text for all, or one a faulty place, in the order of the frame.
        """
        rows = np.flatnonzero(np.asarray(faulty, dtype=bool))
        if len(rows) == 0:
            return []
        ids = [str(value) for value in self.frame[self.key].to_numpy(object)[rows]]
        names = _texts(self.frame, "name_zh", rows)
        values = _texts(self.frame, column, rows)
        theirs = self.columns.get(column, column)
        given = details or {}
        filled = {key: [text] * len(rows) if isinstance(text, str) else list(text) for key, text in given.items()}
        found = []
        for number, (place, name, value) in enumerate(zip(ids, names, values, strict=True)):
            blanks = {key: texts[number] for key, texts in filled.items()}
            found.append(
                Finding(
                    severity,
                    self.source.where,
                    message.format(**blanks),
                    suggestion,
                    rule=rule,
                    sheet=self.sheet,
                    row=self.row_of.get(place),
                    column=theirs,
                    value=value,
                    details={"id": place, "name": name, **blanks},
                    role=self.source.role,
                )
            )
        return found


def _texts(frame: pd.DataFrame, column: str, rows: npt.NDArray[np.intp]) -> list[str]:
    if column not in frame.columns:
        return [""] * len(rows)
    return ["" if pd.isna(value) else str(value) for value in frame[column].to_numpy(object)[rows]]


def demand_table(inputs: StudyInputs, study: StudyConfig) -> PlaceTable:
    """Return the places where people live."""
    source = study.sources.demand
    return _table(DEMAND, source, inputs.demand.points, "demand_id", inputs.demand.report)


def facility_tables(inputs: StudyInputs, study: StudyConfig) -> dict[str, PlaceTable]:
    """Return the facilities of each service that has some, by service id."""
    return {
        service.id: _table(
            facilities_role(service.id),
            service.facilities,
            inputs.facilities[service.id].places,
            "facility_id",
            inputs.facilities[service.id].report,
        )
        for service in study.services
        if service.id in inputs.facilities and len(inputs.facilities[service.id].places)
    }


def _table(
    role: str, source: DemandSource | FacilitySource, frame: gpd.GeoDataFrame, key: str, report: Mapping[str, Any]
) -> PlaceTable:
    quality = np.full(len(frame), source.position_quality_m or 0.0)
    if "position_quality_m" in frame.columns:
        quality = frame["position_quality_m"].fillna(source.position_quality_m or 0.0).to_numpy(float)
    return PlaceTable(
        source=input_of(role, source),
        frame=frame.reset_index(drop=True),
        key=key,
        quality_m=quality,
        datum=source.datum,
        row_of=report.get("row_of") or {},
        sheet=str(report.get("sheet") or ""),
        columns={**source.columns, **(report.get("columns") or {})},
    )


def metres(distance_m: float) -> str:
    """Return a distance as people say it.

    Examples
    --------
    >>> metres(34.4), metres(12_345.0)
    ('34 m', '12.3 km')
    """
    return f"{distance_m:.0f} m" if distance_m < 1000.0 else f"{distance_m / 1000.0:.1f} km"


def percent(share: float) -> str:
    """Return a share in percent with one decimal; a little is not said to be nothing.

    Examples
    --------
    >>> percent(0.1237), percent(0.0002), percent(0.0)
    ('12.4', '<0.1', '0.0')
    """
    return "<0.1" if 0.0 < share < 0.0005 else f"{100.0 * share:.1f}"
