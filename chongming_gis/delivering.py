"""The command ``deliver``: plan the rounds of a day by themselves, without the rest of a run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chongming_gis.errors import StudyError

if TYPE_CHECKING:
    import geopandas as gpd

    from chongming_gis.config import StudyConfig
    from chongming_gis.measured import Groundwork, Measured
    from chongming_gis.measured.delivery_question import AskedDelivery
    from chongming_gis.progress import Clock, Progress
    from chongming_gis.results import StudyResult
    from chongming_gis.tables import StudyInputs
    from chongming_gis.wording import Language, Words

Study = Annotated[
    Path | None, typer.Argument(help="study file (.toml); none = the embedded Chongming study", show_default=False)
]
Out = Annotated[
    Path | None, typer.Option(help="folder to write; default: ./chongming-delivery/<study id>", show_default=False)
]


class Lang(StrEnum):
    """The language of what is printed and written."""

    zh = "zh"
    en = "en"


def deliver(
    study: Study = None,
    out: Out = None,
    lang: Annotated[Lang | None, typer.Option(help="language; default: the study's", show_default=False)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="print nothing but errors")] = False,  # noqa: FBT002
) -> None:
    """Plan meals to the door: who cooks for whom, the rounds on the roads, a map with a clock, drivers' sheets."""
    from chongming_gis import results
    from chongming_gis.config import read_study
    from chongming_gis.sources import embedded_study_path
    from chongming_gis.terminal import progress_bar
    from chongming_gis.wording import Words

    config = read_study(study or embedded_study_path())
    language: Language = lang.value if lang is not None else config.outputs.language
    folder = out or Path("chongming-delivery") / config.id
    results.refuse_unwritable(folder)
    with progress_bar(language, quiet=quiet) as progress:
        result = plan_study(config, progress=progress)
        write_plan(result, folder, language=language)
    if not quiet:
        _print_summary(result, folder, Words(language))


def plan_study(study: StudyConfig, *, progress: Progress) -> StudyResult:
    """Return a result that holds a day's meals to the door, and no other measure.

    Raises
    ------
    StudyError
        The study has no ``[delivery]``, or its inputs cannot be read.
    """
    from chongming_gis import readings
    from chongming_gis.measured import deliveries
    from chongming_gis.progress import Clock, job_of

    clock = Clock(progress, of=readings.count_readings(study) + len(study.modes) + 1)
    ground = ground_of(study, clock)
    found = clock.run("measure_delivery", "", job_of(deliveries.deliver, ground))
    return _as_result(study, ground.inputs, found, clock.stages)


def ask_study(study: StudyConfig) -> AskedDelivery:
    """Return what a study's ``[delivery]`` asks, to be planned whole or in part.

    Raises
    ------
    StudyError
        As ``plan_study``.
    """
    from chongming_gis import readings
    from chongming_gis.measured.delivery_question import ask_delivery
    from chongming_gis.progress import Clock, silent

    return ask_delivery(ground_of(study, Clock(silent, of=readings.count_readings(study) + len(study.modes))))


def ground_of(study: StudyConfig, clock: Clock) -> Groundwork:
    """Return what deliveries stand on: inputs, the networks of the vehicles, kitchens and drops on them.

    Raises
    ------
    StudyError
        As ``plan_study``.
    """
    from chongming_gis import measured, network, pipeline, reach, tables
    from chongming_gis.progress import job_of

    config = study.delivery
    if config is None:
        raise StudyError("the study has no [delivery]: add the section (docs/delivery.md) to plan meals to the door")
    inputs = pipeline.read_inputs(study, clock=clock)
    networks = {
        mode.name: clock.run("compile", mode.name, job_of(network.compile_network, inputs.roads, mode))
        for mode in network.modes_of_study(study, config.modes | _modes_near(study))
    }

    def places(points: gpd.GeoDataFrame) -> reach.Places:
        at = {mode: network.snap_points(net, points.geometry) for mode, net in networks.items()}
        return reach.Places(points, at)

    at_doors = not config.drop_services
    return measured.Groundwork(
        study=study,
        inputs=inputs,
        networks=networks,
        demand=places(inputs.demand.points) if at_doors else reach.Places(inputs.demand.points, {}),
        facilities={name: places(inputs.facilities[name].places) for name in sorted(config.services)},
        access=tables.no_table(tables.ACCESS),
        coverage=tables.no_table(tables.COVERAGE),
        progress=clock.progress,
    )


def _modes_near(study: StudyConfig) -> set[str]:
    """Return the modes by which candidates of the kitchens' service count the people near them."""
    kitchens = study.delivery.kitchens.services if study.delivery else ()
    sections = [section for section in study.candidates if set(section.services) & set(kitchens)]
    return {section.near.mode for section in sections if section.near.mode is not None}


def _as_result(
    study: StudyConfig, inputs: StudyInputs, measured: Measured, timings: dict[str, dict[str, float]]
) -> StudyResult:
    from chongming_gis import __version__, check, manifest, pipeline, results, tables

    return results.StudyResult(
        study=study,
        demand=inputs.demand,
        facilities=pipeline.all_facilities(inputs),
        townships=inputs.townships,
        villages=inputs.villages,
        land=inputs.land,
        roads_drawn=pipeline.drawn_roads(inputs.roads),
        access=tables.no_table(tables.ACCESS),
        coverage=tables.no_table(tables.COVERAGE),
        indicators=tables.no_table(tables.INDICATORS),
        provision=tables.no_table(tables.PROVISION),
        measured=measured.tables,
        surfaces={},
        manifest={
            "versions": {"chongming_gis": __version__},
            "study_digest": study.digest,
            "sources": manifest.provenance(study),
            "inputs": manifest.input_files(study, manifest.named_files(study), inputs),
            "findings": check.grouped_records([*inputs.findings, *measured.findings]),
            "timings": timings,
        },
    )


def write_plan(result: StudyResult, folder: Path, *, language: Language) -> None:
    """Write routes, tables, map and drivers' sheets into a folder, all or nothing.

    Raises
    ------
    OutputError
        The folder cannot be written; what stood there before is untouched.
    """
    from chongming_gis import maps, reports, results
    from chongming_gis.maps import online
    from chongming_gis.maps.delivery_sheet import NAME, delivery_map

    with results.staged_folder(folder) as stage:
        sheet = delivery_map(maps.prepare(result, language))
        if sheet is not None:
            (stage / "maps").mkdir()
            page = online.offer(sheet, result.study).page.render()
            (stage / "maps" / f"{NAME}.html").write_text(page, encoding="utf-8", newline="\n")
        reports.write_sheets(result, stage, language=language)
        results.save(result, stage)


def _print_summary(result: StudyResult, folder: Path, words: Words) -> None:
    from chongming_gis import check, wording
    from chongming_gis.reports.delivery_sheets import FILE

    whole: dict[str, Any] = {str(k): v for k, v in result.measured["delivery"].iloc[0].items()}
    said = {key: wording.quantity(whole[f"meals_{name}"]) for key, name in
            (("wanted", "wanted"), ("brought", "brought"), ("most", "at_most"))}  # fmt: skip
    typer.echo(words("deliver.summary", **said, rounds=whole["n_rounds"], cost=f"{whole['cost']:,.0f}"))
    drops = result.measured["delivery_drops"]
    for reason, meals in drops.groupby("reason", sort=True)["meals_left"].sum().items():
        typer.echo(
            "  " + words("deliver.left", meals=wording.quantity(meals), reason=words(f"delivery.reason.{reason}"))
        )
    for entry in result.manifest.get("findings", []):
        if entry["rule"].startswith("delivery_"):
            typer.echo(f"  {words.finding(check.finding_of(entry['first'][0]))}")
    paths = {"routes": folder / "routes.csv", "sheets": folder / FILE, "map": folder / "maps" / "delivery.html"}
    typer.echo(words("deliver.written", **paths))
