"""The folder that docs/bring-your-own-data.md starts from: roads, township borders, and a list kept in a workbook.

Made from the Liechtenstein extract, so that roads are real; the list has what such lists have: a title above its
header, merged townships, an example row, a total, and some cells that are wrong.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import openpyxl
import shapely

from chongming_gis import crs, sources, tables

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ["序号", "机构名称", "所在街镇", "详细地址", "经度", "纬度", "供餐能力(客/日)", "运营状态", "开业时间"]
N_TOWNSHIPS = 8
A_TOWNSHIP = 3  # meal points in each


def make_folder(folder: Path, extract: Path) -> None:
    """Write roads.osm.pbf, 乡镇界.geojson and 助餐点.xlsx."""
    shutil.copy(extract, folder / "roads.osm.pbf")
    roads = sources.read_roads(folder / "roads.osm.pbf")
    areas = sources.read_areas(
        folder / "roads.osm.pbf", contract=tables.TOWNSHIPS, crs=roads.crs, admin_level=8
    ).reset_index(drop=True)
    areas = areas.assign(CODE=[f"{i + 1:09d}" for i in range(len(areas))], NAME=areas["name_zh"] + "镇")
    borders = crs.to_geographic(areas[["CODE", "NAME", "geometry"]])
    borders.to_file(folder / "乡镇界.geojson", driver="GeoJSON")
    write_workbook(folder / "助餐点.xlsx", meal_points(roads, areas))


def meal_points(roads, areas) -> list[list[object]]:
    """Rows of the list: points 12 m beside residential streets, a few in each township."""
    streets = roads.edges[roads.edges["highway"] == "residential"]
    middle = shapely.line_interpolate_point(streets.geometry.to_numpy(), 0.5, normalized=True)
    rows = []
    for _, area in areas.head(N_TOWNSHIPS).iterrows():
        inside = middle[shapely.contains(shapely.buffer(area.geometry, -60.0), middle)]
        chosen = inside[np.linspace(0, len(inside) - 1, A_TOWNSHIP).astype(int)]
        beside = shapely.transform(chosen, lambda xy: xy + np.array([0.0, 12.0]))
        moved = crs.transform(beside, roads.crs, crs.parse(4326, where="t"))
        for number, point in enumerate(moved, start=1):
            n = len(rows) + 1
            name, place = f"{area['NAME']}助餐点{number}", f"{area['NAME']}第{number}路{n}号"
            rows.append(
                [n, name, area["NAME"], place, round(point.x, 6), round(point.y, 6), 60 + 5 * n, "正常", 2015 + n % 6]
            )
    return rows


def write_workbook(path: Path, rows: list[list[object]]) -> None:
    """Write the list as an office keeps it."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "助餐点"
    sheet.append(["某区老年助餐服务场所一览表"])
    sheet.append(["单位：客/日"])
    sheet.append(HEADER)
    sheet.append(["示例", "某镇助餐点", "某镇", "某镇某路1号", 121.4, 31.6, 100, "正常", 2019])
    for row in rows:
        sheet.append(row)
    first = 5
    sheet.cell(first + 3, 5).value, sheet.cell(first + 3, 6).value = rows[3][5], rows[3][4]  # swapped
    sheet.cell(first + 7, 5).value = sheet.cell(first + 7, 6).value = None  # and no village of that name is known
    sheet.cell(first + 10, 7).value = "80-100"
    sheet.cell(first + 13, 9).value = "不详年份"
    for start in range(0, len(rows), A_TOWNSHIP):  # one township name for three rows
        for row in range(first + start + 1, first + start + A_TOWNSHIP):
            sheet.cell(row, 3).value = None
        sheet.merge_cells(start_row=first + start, end_row=first + start + A_TOWNSHIP - 1, start_column=3, end_column=3)
    sheet.append(["合计", None, None, None, None, None, sum(row[6] for row in rows)])
    book.save(path)
