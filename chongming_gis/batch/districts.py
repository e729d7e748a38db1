"""Districts and scenarios: each is a whole run, written to a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chongming_gis import __version__, pipeline
from chongming_gis.batch import cluster, shards
from chongming_gis.batch.shards import Outcome
from chongming_gis.errors import ChongmingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chongming_gis.batch.scenarios import Case
    from chongming_gis.config import Language, StudyConfig
    from chongming_gis.measured import Depth


@dataclass(frozen=True, slots=True)
class District:
    """A run to be made: its shard, and what it is made from."""

    name: str
    key: str
    folder: Path
    study: StudyConfig
    depth: Depth
    language: Language
    version: str = __version__

    @property
    def task(self) -> str:
        """The name of the task; the same shard never has another one."""
        return f"{self.name}-{self.key[:16]}"


def run_districts(
    cases: Sequence[Case],
    folder: Path,
    *,
    client: Any,
    depth: Depth = "daily",
    language: Language | None = None,
    heard: cluster.Heard = cluster.hear_nothing,
) -> list[Outcome]:
    """Run every study of a batch on Dask, each into ``folder / name``; what is whole already is kept as it is.

    Parameters
    ----------
    folder : seen by all workers under the same path, as are the studies' inputs
    client : of ``connect``, or any ``distributed.Client``; None runs one after the other in this process
    language : of maps and reports; none = each study's own

    Returns
    -------
    list of Outcome
        In the order of ``cases``; a district that failed has its reason, and does not end the others.

    Raises
    ------
    BatchError
        The scheduler is lost.
    """
    found: dict[str, Outcome] = {}
    districts: list[District] = []
    for case in cases:
        try:
            district = _district(case, folder.absolute(), depth, language)
        except ChongmingError as error:
            found[case.name] = Outcome(case.name, "failed", error=str(error))
        else:
            digest = shards.whole_digest(district.folder, district.key)
            if digest is None:
                districts.append(district)
            else:
                found[case.name] = Outcome(case.name, "kept", digest)
    counter = cluster.Counter(heard, of=len(cases))
    for outcome in found.values():
        counter(outcome)
    done = cluster.run_all(client, run_district, districts, heard=counter)
    cluster.clear_stages(folder, [district.name for district in districts])
    found |= {outcome.name: outcome for outcome in done}
    return [found[case.name] for case in cases]


def run_district(district: District) -> Outcome:
    """Compute one district and write its folder; a worker that gets a task again finds what is whole."""
    return shards.attempt(district.name, lambda: _job(district), version=district.version)


def _job(district: District) -> str:
    digest = shards.whole_digest(district.folder, district.key)
    if digest is not None:
        return digest
    result = pipeline.run_study(district.study, depth=district.depth)
    pipeline.write_result(result, district.folder, language=district.language)
    return shards.write_shard(
        district.folder, district.key, name=district.name, study=district.study.digest, depth=district.depth
    )


def _district(case: Case, folder: Path, depth: Depth, language: Language | None) -> District:
    spoken = language or case.study.outputs.language
    key = shards.key_of(case.study, depth=depth, language=spoken)
    return District(case.name, key, folder / case.name, case.study, depth, spoken)
