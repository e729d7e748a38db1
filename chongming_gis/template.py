"""The empty workbook that an office fills in: a sheet per service, with headers this program reads without a mapping.

Drop-downs keep words and township names to those that are known; one row is an example and is left out on reading.
Nothing in the workbook is computed, and there are no macros.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from chongming_gis import cell_text, sources, tables
from chongming_gis import crs as crs_module
from chongming_gis.errors import ChongmingError, OutputError
from chongming_gis.wording import Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openpyxl.worksheet.worksheet import Worksheet

    from chongming_gis.config import Language, ServiceConfig, StudyConfig

ROWS_TO_FILL = 2_000  # drop-downs reach this far
_TITLE_ROW, _NOTE_ROW, _HEADER_ROW, _EXAMPLE_ROW = 1, 2, 3, 4
_COLUMNS = (
    "serial",
    "name_zh",
    "address",
    "township_name",
    "village_name",
    "lon",
    "lat",
    "capacity",
    "used",
    "kind",
    "level",
    "serves",
    "status",
    "open_year",
    "close_year",
    "standardised",
    "position_quality_m",
    "source",
)
_NEEDED = frozenset({"name_zh", "lon", "lat"})
_WIDTHS = {"serial": 8, "name_zh": 32, "address": 40, "township_name": 14, "village_name": 16, "source": 28}
_CHOICES = ("level", "serves", "status", "standardised")
_NO_SHEET_NAME = re.compile(r"[\[\]:*?/\\]|^'|'$")
_LONGEST_SHEET_NAME = 31
_MOST_KINDS = 40

_HEADER_FILL = PatternFill("solid", fgColor="1F4E5F")
_NEEDED_FILL = PatternFill("solid", fgColor="B5502B")
_EXAMPLE_FILL = PatternFill("solid", fgColor="EDEDED")
_GREY = "7F7F7F"


@dataclass(frozen=True, slots=True)
class Choices:
    """What drop-downs offer."""

    townships: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


def write_template(
    path: Path, study: StudyConfig, *, services: Sequence[ServiceConfig], language: Language = "zh"
) -> None:
    """Write the workbook for some services of a study, whole or not at all.

    Raises
    ------
    OutputError
        Something stands at ``path``, or it cannot be written.
    """
    if path.exists():
        raise OutputError(f"{path}: exists already and is not overwritten; name another file")
    book = make_template(study, services=services, language=language)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}-", dir=path.parent, delete=False) as file:
            temporary = Path(file.name)
            book.save(file)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); name another file") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def make_template(study: StudyConfig, *, services: Sequence[ServiceConfig], language: Language = "zh") -> Workbook:
    """Return the workbook: a guide, a sheet per service, and the lists behind the drop-downs on a hidden sheet."""
    words = Words(language)
    book = Workbook()
    guide: Any = book.active
    guide.title = words("template.sheet_guide")
    townships = _township_names(study)
    lists = _Lists(book.create_sheet(words("template.sheet_lists")))
    _write_guide(guide, study, services, words)
    for service in services:
        sheet = book.create_sheet(sheet_name(service, language))
        choices = Choices(townships, _kinds(study, service))
        _write_service(sheet, service, words, choices=choices, lists=lists)
    book.move_sheet(lists.sheet, offset=len(services))
    lists.sheet.sheet_state = "hidden"
    book.active = 1
    return book


def sheet_name(service: ServiceConfig, language: Language = "zh") -> str:
    """Return a service's name as its sheet bears it; its id where a sheet cannot bear the name."""
    name = service.name_zh if language == "zh" else service.name_en
    return service.id if len(name) > _LONGEST_SHEET_NAME or _NO_SHEET_NAME.search(name) else name


def header_of(column: str, unit: str | None, words: Words) -> str:
    """Return the header of a column; capacity and use bear the words of their unit where there are some."""
    if column in {"capacity", "used"}:
        if words.knows(f"template.header.{column}_{unit}"):
            return words(f"template.header.{column}_{unit}")
        return words(f"template.header.{column}") + (f"({unit})" if unit else "")
    return words(f"template.header.{column}")


class _Lists:
    """The hidden sheet with the entries of long drop-downs, a column each."""

    def __init__(self, sheet: Worksheet) -> None:
        self.sheet = sheet
        self._known: dict[tuple[str, ...], str] = {}

    def range_of(self, entries: tuple[str, ...]) -> str:
        """Return the range that holds some entries, written once."""
        if entries not in self._known:
            column = len(self._known) + 1
            for row, entry in enumerate(entries, start=1):
                self.sheet.cell(row, column, cell_text.writable(entry))
            letter = get_column_letter(column)
            self._known[entries] = f"'{self.sheet.title}'!${letter}$1:${letter}${len(entries)}"
        return self._known[entries]


def _write_service(sheet: Worksheet, service: ServiceConfig, words: Words, *, choices: Choices, lists: _Lists) -> None:
    title = words("template.title", service=words.name(service), unit=_unit(service, words))
    sheet.cell(_TITLE_ROW, 1, cell_text.writable(title)).font = Font(bold=True, size=13)
    offered = {
        **{column: tuple(words(f"template.choices.{column}").split("|")) for column in _CHOICES},
        "township_name": choices.townships,
        "kind": choices.kinds,
    }
    for position, column in enumerate(_COLUMNS, start=1):
        letter = get_column_letter(position)
        note = words(f"template.note.{column}")
        cell = sheet.cell(_NOTE_ROW, position, note)
        cell.font, cell.alignment = Font(italic=True, size=9, color=_GREY), Alignment(wrap_text=True, vertical="top")
        head = sheet.cell(_HEADER_ROW, position, header_of(column, service.capacity_unit, words))
        head.font = Font(bold=True, color="FFFFFF")
        head.fill = _NEEDED_FILL if column in _NEEDED else _HEADER_FILL
        head.comment = Comment(note, "chongming-gis", width=260, height=90)
        example = sheet.cell(_EXAMPLE_ROW, position, _example(column, choices, words))
        example.font, example.fill = Font(italic=True, color=_GREY), _EXAMPLE_FILL
        sheet.column_dimensions[letter].width = _WIDTHS.get(column, 13)
        if offered.get(column):
            _offer(sheet, f"{letter}{_EXAMPLE_ROW}:{letter}{ROWS_TO_FILL}", lists.range_of(offered[column]), words)
    sheet.row_dimensions[_NOTE_ROW].height = 64
    sheet.freeze_panes = f"C{_HEADER_ROW + 1}"


def _offer(sheet: Worksheet, cells: str, entries: str, words: Words) -> None:
    """Give cells a drop-down; other entries are asked about, not refused: reading says what is not known."""
    rule = DataValidation(type="list", formula1=entries, allow_blank=True, errorStyle="warning", showErrorMessage=True)
    rule.error = words("template.not_in_list")
    sheet.add_data_validation(rule)
    rule.add(cells)


def _unit(service: ServiceConfig, words: Words) -> str:
    return words.or_raw("unit", service.capacity_unit) if service.capacity_unit else "—"


def _example(column: str, choices: Choices, words: Words) -> str:
    if column == "township_name":
        return (
            cell_text.writable(choices.townships[0]) if choices.townships else words("template.example.township_name")
        )
    if column in _CHOICES:
        return words(f"template.choices.{column}").split("|")[0]
    if column == "kind":
        return cell_text.writable(choices.kinds[0]) if choices.kinds else ""
    return words(f"template.example.{column}")


def _write_guide(sheet: Worksheet, study: StudyConfig, services: Sequence[ServiceConfig], words: Words) -> None:
    sheet.cell(1, 1, words("template.guide.title", study=cell_text.writable(words.name(study)))).font = Font(
        bold=True, size=14
    )
    lines = words.starting("template.guide.line.")
    row = 3
    for key in sorted(lines):
        sheet.cell(row, 1, lines[key]).alignment = Alignment(wrap_text=True, vertical="top")
        row += 1
    row += 1
    titles = ("sheet", "service_id", "datum", "unit")
    for position, key in enumerate(titles, start=1):
        sheet.cell(row, position, words(f"template.guide.{key}")).font = Font(bold=True)
    for service in services:
        row += 1
        datum = service.facilities.datum or words("template.guide.datum_undeclared")
        texts = (sheet_name(service, words.language), service.id, datum, _unit(service, words))
        for position, text in enumerate(texts, start=1):
            sheet.cell(row, position, cell_text.writable(text))
    sheet.column_dimensions["A"].width = 96
    for letter in "BCD":
        sheet.column_dimensions[letter].width = 24


def _township_names(study: StudyConfig) -> tuple[str, ...]:
    """Return the names of the study's townships in the order of their codes; none where they cannot be read."""
    source = study.sources.townships
    if source is None:
        return ()
    try:
        areas = sources.read_areas(
            study.resolve(source.path),
            contract=tables.TOWNSHIPS,
            crs=crs_module.parse_metric(study.crs or "EPSG:32651", where="crs"),
            columns=source.columns,
            layer=source.layer,
            admin_level=source.admin_level,
        )
    except ChongmingError:  # `check` tells what is wrong with them; the template does without
        return ()
    return tuple(dict.fromkeys(areas["name_zh"].dropna().tolist()))


def _kinds(study: StudyConfig, service: ServiceConfig) -> tuple[str, ...]:
    """Return the kinds that the study's present facilities of a service have, if they can be read."""
    try:
        found = sources.read_facilities(
            service.facilities,
            path=study.resolve(service.facilities.path),
            service_id=service.id,
            capacity_unit=service.capacity_unit,
            crs=crs_module.parse_metric(study.crs or "EPSG:32651", where="crs"),
            service_names=(service.name_zh, service.name_en),
        )
    except ChongmingError:
        return ()
    return tuple(sorted(found.places["kind"].dropna().unique()))[:_MOST_KINDS]
