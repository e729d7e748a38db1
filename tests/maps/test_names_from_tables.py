"""Names as they stand in an office's workbook, on their way through a reader to the map: shown, never run."""

from dataclasses import replace

import openpyxl
from pyproj import CRS

from chongming_gis import config, maps, sources

NAMES = (
    '"甲"</script><script>window.pwned=1</script>',
    "<img src=x onerror=window.pwned=1>",
    '=HYPERLINK("x")😀&amp;',
)


def test_names_read_from_a_workbook_stay_text_on_every_map(toy_result, tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["机构名称", "经度", "纬度"])
    for row, name in enumerate(NAMES, start=2):
        book.active.append([None, 121.5, 31.6])
        book.active.cell(row, 1, name).data_type = "s"
    path = tmp_path / "f.xlsx"
    book.save(path)
    source = config.FacilitySource(path=path, kind="sourced", source="<b>台账</b>", datum="wgs84")
    read = sources.read_facilities(
        source, path=path, service_id="meal_point", capacity_unit=None, crs=CRS.from_epsg(32651)
    )
    assert tuple(read.places["name_zh"]) == NAMES
    places = toy_result.facilities.places.assign(name_zh=read.places["name_zh"].to_numpy())
    result = replace(toy_result, facilities=replace(toy_result.facilities, places=places))
    pages = maps.write_maps(result, tmp_path / "maps")
    assert len(pages) > 1
    texts = [page.read_text(encoding="utf-8") for page in pages]
    for text in texts:
        assert "<script>window.pwned" not in text
        assert "<img src=x" not in text
    assert any("window.pwned" in text for text in texts)  # the name itself is there, as data
    assert any("😀" in text or "\\ud83d\\ude00" in text for text in texts)
