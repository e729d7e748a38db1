"""What the study file says of its data is what the catalogue says, and Chinese pages show Chinese."""

import csv
import re
from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest

from chongming_gis.config import read_study
from chongming_gis.maps import notices
from chongming_gis.sources import embedded_study_path

FOREIGN = re.compile(r"[A-Za-z][a-z]+ [a-z]+ [a-z]+")  # three words in a row


@pytest.fixture(scope="module")
def study():
    return read_study(embedded_study_path())


@pytest.fixture(scope="module")
def catalogue(shipped):
    with (shipped.folder / "catalogue.csv").open(encoding="utf-8-sig", newline="") as stream:
        return {row["file"]: row for row in csv.DictReader(stream)}


def datasets(study):
    named = [getattr(study.sources, name) for name in ("roads", "demand", "townships", "villages", "land")]
    return [*named, *(service.facilities for service in study.services)]


def test_the_study_says_of_every_file_what_the_catalogue_says(study, catalogue):
    for source in datasets(study):
        row = catalogue[PurePosixPath(source.path).relative_to("../data").as_posix()]
        assert source.kind == row["kind"], source.path
        assert source.position_quality_m == float(row["position_quality_m"]), source.path
        assert source.source_en == row["source"], source.path
        assert source.date == row["date"], source.path
        assert (source.licence_en or source.licence) == row["licence"], source.path
        assert source.how_en == row["how_made"], source.path


def test_the_page_for_readers_has_the_lines_of_the_catalogue(shipped, catalogue):
    page = (shipped.folder / "SOURCES.md").read_text(encoding="utf-8")
    for row in catalogue.values():
        assert f"| {' | '.join(row.values())} |" in page, row["file"]


def test_every_source_has_a_chinese_text_and_an_english_one(study):
    entries = [*datasets(study), *study.bases, *study.modes, *(s for x in study.services for s in x.standards)]
    for entry in entries:
        assert re.search(r"[\u4e00-\u9fff]", entry.source), entry.source
        assert not FOREIGN.search(entry.source), entry.source
        assert entry.source_en
        chinese = re.findall(r"[\u3000-\u9fff]", entry.source_en)  # a name or a term, no sentence
        assert len(chinese) < 5, entry.source_en
    for source in datasets(study):
        assert source.how
        assert not FOREIGN.search(source.licence)


def test_every_facility_says_in_chinese_where_it_comes_from(shipped, study):
    for service in study.services:
        texts = shipped.facilities(service.id)["source"]
        assert texts.notna().all()
        assert not texts.str.contains(FOREIGN).any(), service.id


def test_a_result_without_a_manifest_names_the_same_fields(study):
    entry = notices.sources(SimpleNamespace(manifest={}, study=study))[0]
    assert {"role", "path", "kind", "source", "source_en", "licence", "date", "position_quality_m", "how"} <= set(entry)
