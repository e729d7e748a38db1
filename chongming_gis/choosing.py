"""The commands that ask a saved result again where to build, ``site`` and ``rank``: no study file, no networks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chongming_gis.errors import RankingError, StudyError

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from chongming_gis.proposals import Proposal, Question
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

_LOG_WIDTH = 160
_METHODS = ("weighted_sum", "topsis", "vikor", "promethee")

Result = Annotated[Path, typer.Argument(help="result folder that `chongming-gis run` wrote")]
Which = Annotated[str | None, typer.Option("--proposal", help="id of a proposal; default: all", show_default=False)]
Lang = Annotated[Literal["zh", "en"] | None, typer.Option(help="language; default: the study's", show_default=False)]
Out = Annotated[Path | None, typer.Option(help="file (.csv) to write the sites to", show_default=False)]


def site(
    result: Result,
    proposal: Which = None,
    new_sites: Annotated[int | None, typer.Option(min=0, help="as many instead", show_default=False)] = None,
    budget: Annotated[float | None, typer.Option(min=0.0, help="most money for new sites", show_default=False)] = None,
    lock: Annotated[list[str] | None, typer.Option(help="a candidate that must be built (place_id)")] = None,
    forbid: Annotated[list[str] | None, typer.Option(help="a candidate that must not be built (place_id)")] = None,
    alternatives: Annotated[int, typer.Option(min=0, help="also so many other good plans")] = 0,
    within: Annotated[
        float | None, typer.Option(min=0.0, help="% that others may add less; default: the study's", show_default=False)
    ] = None,
    time_limit: Annotated[float, typer.Option(min=0.0, help="seconds a proposal")] = 20.0,
    out: Out = None,
    lang: Lang = None,
) -> None:
    """Propose sites again from a result: other numbers, sites locked or forbidden. Without options, all proposals."""
    from chongming_gis import proposals, results
    from chongming_gis.wording import Words

    saved = _with_plans(results.load(result), result)
    words = Words(lang or saved.study.outputs.language)
    chosen = [proposals.find_proposal(saved.study, proposal)] if proposal else list(saved.study.proposals)
    if not proposal and (lock or forbid or new_sites is not None or budget is not None):
        raise StudyError("--lock, --forbid, --new-sites and --budget need --proposal ID: they belong to one proposal")
    setting = proposals.setting_of(
        saved.study,
        demand=saved.demand,
        facilities=saved.facilities,
        townships=saved.townships,
        access=saved.access,
    )
    made = []
    for one in chosen:
        changes: dict[str, object] = {}
        if new_sites is not None:
            changes |= {"new_sites": new_sites, "target": None, "target_set": None}
        if budget is not None:
            changes |= {"budget": budget}
        asked = one.model_copy(update=changes)
        question = proposals.ask_again(
            asked, setting, candidates=_frame(saved, "candidates"), site_times=saved.measured["site_times"]
        )
        if lock or forbid:
            question = proposals.with_choice(question, lock=lock or (), forbid=forbid or ())
            plan = proposals.solve(question, prefer=_chosen_before(saved, question), time_limit_s=time_limit)
        else:
            plan = proposals.solve(question, time_limit_s=time_limit)
        made.append(proposals.answer(question, setting, plan))
    _show(made, saved, words)
    if alternatives:
        for answer in made:
            _show_alternatives(answer, saved, words, count=alternatives, within_percent=within)
    if out is not None:
        _write_sites([answer.sites for answer in made], out)


def rank(
    result: Result,
    proposal: Which = None,
    weights: Annotated[
        str | None, typer.Option(help="as newly_covered=0.5,cost=0.2; default: the study's", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="file (.csv) for the full table", show_default=False)] = None,
    lang: Lang = None,
) -> None:
    """Rank the proposed sites of a result by every method, and say how firm each rank is."""
    from chongming_gis import results
    from chongming_gis.wording import Words

    saved = _with_plans(results.load(result), result)
    words = Words(lang or saved.study.outputs.language)
    table = rank_sites(saved, proposal=proposal, weights=_parsed(weights))
    _console().print(_rank_table(table, words))
    if out is not None:
        _write(table, out)


def rank_sites(
    saved: StudyResult, *, proposal: str | None = None, weights: dict[str, float] | None = None
) -> pd.DataFrame:
    """Return every proposed site of a result with its criteria, scores and ranks by every method and set of weights.

    Parameters
    ----------
    proposal : id; None = all proposals, each ranked by itself
    weights : by criterion, in place of the study's

    Raises
    ------
    StudyError
        The result has no proposed sites, or no such proposal.
    RankingError
        A weight names no criterion, or they cannot be used.

    Notes
    -----
    A criterion that is not known for a proposal's sites (cost where the study states none) is left out. Sets of
    weights: ``by_hand``, ``equal``, ``entropy``, ``critic``. ``share_first`` and ``mean_rank`` are over weights drawn
    from half to one and a half times those by hand, by weighted sum (``ranking.rank_stability``).
    """
    import pandas as pd

    from chongming_gis import proposals

    sites = _frame(saved, "sites")
    wanted = [proposals.find_proposal(saved.study, proposal)] if proposal else list(saved.study.proposals)
    parts = []
    for one in wanted:
        mine = sites[sites["proposal"] == one.id]
        if not mine.empty:
            parts.append(
                _ranked(mine, weights or {str(name): value for name, value in one.weights.items()}, saved.study.seed)
            )
    if not parts:
        raise StudyError("no site is proposed in this result, so there is nothing to rank")
    return pd.concat(parts, ignore_index=True)


def _ranked(sites: pd.DataFrame, weights: dict[str, float], seed: int) -> pd.DataFrame:
    import numpy as np

    from chongming_gis import ranking
    from chongming_gis.proposals import CRITERIA, LESS_IS_BETTER

    amounts = {name: sites[name].to_numpy(float) for name in CRITERIA}
    amounts["minutes_saved"] = np.nan_to_num(amounts["minutes_saved"])
    known = tuple(name for name in CRITERIA if np.isfinite(amounts[name]).all())
    strangers = sorted(set(weights) - set(CRITERIA))
    if strangers:
        raise RankingError(f"weights: {', '.join(strangers)} are no criteria; use {', '.join(CRITERIA)}")
    criteria = ranking.Criteria(
        np.column_stack([amounts[name] for name in known]),
        tuple("less" if name in LESS_IS_BETTER else "more" for name in known),
        known,
    )
    by_hand = [weights.get(name, 0.0) if weights else 1.0 for name in known]
    sets: dict[str, npt.ArrayLike] = {
        "by_hand": by_hand,
        "equal": ranking.equal_weights(criteria),
        "entropy": ranking.entropy_weights(criteria),
        "critic": ranking.critic_weights(criteria),
    }
    stability = ranking.rank_stability(criteria, generator=np.random.default_rng(seed), around=by_hand)
    ids = sites["place_id"].tolist()
    table = ranking.ranking_table(criteria, site_ids=ids, weights=sets, stability=stability)
    table = table.rename(columns={"site_id": "place_id"})
    table.insert(0, "proposal", sites["proposal"].to_numpy())
    table.insert(2, "name_zh", sites["name_zh"].to_numpy())
    return table.sort_values(["rank:weighted_sum:by_hand", "place_id"], kind="stable", ignore_index=True)


def _parsed(weights: str | None) -> dict[str, float] | None:
    """Return weights written as name=number, with commas between."""
    if weights is None:
        return None
    found: dict[str, float] = {}
    for part in weights.split(","):
        name, equals, value = part.strip().partition("=")
        try:
            found[name] = float(value) if equals else float("nan")
        except ValueError:
            found[name] = float("nan")
        if not found[name] >= 0.0:
            raise RankingError(f"--weights: {part.strip()!r} must be a criterion = a number of at least 0")
    return found


def _with_plans(saved: StudyResult, folder: Path) -> StudyResult:
    if "site_times" not in saved.measured:
        raise StudyError(f"{folder}: its study has no [[proposals]]; add one and `run` it again")
    return saved


def _frame(saved: StudyResult, name: str) -> gpd.GeoDataFrame:
    import geopandas as gpd

    return gpd.GeoDataFrame(saved.measured[name])


def _console() -> Console:
    from rich.console import Console

    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=_LOG_WIDTH)


def _show(made: list[Proposal], saved: StudyResult, words: Words) -> None:
    """Print each plan's certificate and its sites."""
    from rich.markup import escape
    from rich.table import Table

    from chongming_gis import wording
    from chongming_gis.maps.proposal_layer import site_names
    from chongming_gis.reports import proposals as told

    console = _console()
    for answer in made:
        proposal, plan = answer.question.proposal, {str(key): value for key, value in answer.plan_row.iloc[0].items()}
        head = f"{words.name(proposal)} · {proposal.id} · {told.certificate(plan, words)}"
        table = Table(title=escape(head), title_justify="left", min_width=60)
        for name in ("rank", "site", "place_id", "township", "newly_covered", "lost_without", "share_first"):
            is_text = name in {"site", "place_id", "township"}
            table.add_column(words(f"col.{name}"), justify="left" if is_text else "right", overflow="fold")
        names = site_names(saved, answer.sites, words)
        towns = saved.townships.set_index("township_code")["name_zh"]
        for name, row in zip(names, answer.sites.to_dict("records"), strict=True):
            town = str(towns.get(row["township_code"], wording.NOTHING))
            counts = (wording.persons(row["newly_covered"]), wording.persons(row["lost_without"]))
            shown = (str(row["rank"]), escape(name), escape(row["place_id"]), escape(town), *counts)
            table.add_row(*shown, wording.share(row["share_first"]))
        console.print(table)
        for line in (*told.summary(plan, words), words("site.solved", seconds=f"{answer.plan.time_s:.2f}")):
            console.print(f"  {line}", highlight=False, markup=False)


def _chosen_before(saved: StudyResult, question: Question) -> npt.NDArray[np.int64]:
    """Return the columns of the sites that the run proposed: between equals they stay."""
    import numpy as np

    sites = saved.measured["sites"]
    mine = sites.loc[sites["proposal"] == question.proposal.id, "place_id"]
    return np.flatnonzero((question.sites["is_new"] & question.sites["place_id"].isin(mine)).to_numpy(bool))


def _show_alternatives(
    answer: Proposal, saved: StudyResult, words: Words, *, count: int, within_percent: float | None
) -> None:
    """Print the other good plans of a proposal: what each loses, does without and builds instead."""
    import numpy as np
    from rich.markup import escape
    from rich.table import Table

    from chongming_gis import proposals, wording
    from chongming_gis.maps.proposal_layer import site_names
    from chongming_gis.proposals import robust

    question, plan = answer.question, answer.plan
    if plan.status not in proposals.PLANNED or not len(plan.chosen):
        return
    percent = question.proposal.within_percent if within_percent is None else within_percent
    found = robust.good_plans(question, plan, count=count, within_share=percent / 100.0)
    console = _console()
    if len(found.plans) > 1:
        title = f"{words.name(question.proposal)} · {words('site.alternatives', percent=f'{percent:g}')}"
        table = Table(title=escape(title), title_justify="left", min_width=60)
        columns = ("number", "lost", "left_out", "brought_in")
        for name in columns:
            table.add_column(words(f"robust.col.{name}"), justify="right" if name in columns[:2] else "left")
        names = np.array(site_names(saved, question.sites, words), dtype=object)
        ids = question.sites["place_id"].to_numpy(object)
        for number, other in enumerate(found.plans[1:], 2):
            out, new = np.setdiff1d(plan.chosen, other.chosen), np.setdiff1d(other.chosen, plan.chosen)
            changes = (", ".join(f"{names[site]} ({ids[site]})" for site in sites) for sites in (out, new))
            is_cover = question.proposal.model == "mclp"
            lost = wording.persons(max(plan.objective - other.objective, 0.0)) if is_cover else wording.NOTHING
            table.add_row(str(number), lost, *(escape(change) for change in changes))
        console.print(table)
    else:
        console.print(f"  {words('site.no_alternatives', percent=f'{percent:g}')}", highlight=False, markup=False)
    if found.stop_reason == "time limit":
        console.print(f"  {words('site.cut_short')}", highlight=False, markup=False)


def _rank_table(table: pd.DataFrame, words: Words) -> Table:
    from rich.markup import escape
    from rich.table import Table

    shown = Table(title=words("rank.title"), title_justify="left")
    for name in ("proposal", "site"):
        shown.add_column(words(f"col.{name}"), overflow="fold")
    for method in _METHODS:
        shown.add_column(words(f"rank.{method}"), justify="right")
    for name in ("entropy", "critic"):
        shown.add_column(words(f"rank.{name}"), justify="right")
    shown.add_column(words("col.share_first"), justify="right")
    shown.add_column(words("rank.dominated"), justify="right")
    names = table["name_zh"].fillna(table["place_id"])
    for name, row in zip(names, table.to_dict("records"), strict=True):
        cells = [str(row[f"rank:{method}:by_hand"]) for method in _METHODS]
        cells += [str(row[f"rank:weighted_sum:{weighed}"]) for weighed in ("entropy", "critic")]
        cells += [f"{100 * row['share_first']:.0f}%", str(row["n_dominated_by"])]
        shown.add_row(escape(str(row["proposal"])), escape(str(name)), *cells)
    return shown


def _write_sites(frames: list[gpd.GeoDataFrame], path: Path) -> None:
    import pandas as pd

    from chongming_gis import results

    _write(results.sites_table(pd.concat(frames, ignore_index=True)), path)


def _write(table: pd.DataFrame, path: Path) -> None:
    """Write a table to a file, whole or not at all."""
    from chongming_gis import results
    from chongming_gis.errors import OutputError

    stage = path.with_name(f".{path.name}.part")
    try:
        results.write_table(table, stage)
        stage.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); choose another --out") from error
    finally:
        stage.unlink(missing_ok=True)
