"""Maps and drawings as PNG: the right place and colour, every letter there, the same bytes for every user."""

import dataclasses
import io
import json
import re
from importlib.resources import files

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chongming_gis import maps
from chongming_gis.reports import pictures, static_ground, static_maps, static_pictures
from chongming_gis.reports.static_pictures import DrawingError, letters, svg_as_png
from tests.maps import measured_toy
from tests.toy.proposed import with_proposals


@pytest.fixture(scope="module")
def material(toy_result):
    return maps.prepare(with_proposals(measured_toy.with_areas(toy_result)), "zh")


@pytest.fixture(scope="module")
def ground(material):
    return static_ground.draw_ground(material)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def colour_at(picture, ground, xy, *, below=0):
    """The colour of the map at a place in metres: ``below`` is how many pixels stand below the ground."""
    west, south, east, north = ground.extent
    column = (xy[0] - west) / (east - west) * static_ground.WIDTH_PX
    row = len(picture) - below - (xy[1] - south) / (north - south) * ground.height_px
    return picture[int(row), int(column)]


def is_near(colour, wanted, within=24):
    return np.abs(colour - [int(wanted[k : k + 2], 16) for k in (1, 3, 5)]).max() <= within


def test_every_map_of_the_pages_has_a_picture(material):
    drawn = dict(static_maps.draw_maps(material))
    assert list(drawn) == ["overview", "meal_point", "care_home"]
    for png in drawn.values():
        assert png.startswith(b"\x89PNG")
        assert pixels(png).shape[1] == static_ground.WIDTH_PX


def test_north_is_up_and_people_have_the_colour_of_their_minutes(material, ground, toy):
    """d0 (5 minutes, covered) and d2 (25, left out) of the meal points; water is where the canal is; sea around."""
    png = static_maps.draw_coverage(material, material.result.study.service("meal_point"), ground)
    picture = pixels(png)
    sea = np.flatnonzero(np.abs(picture[:, 3] - [0xE6, 0xEF, 0xF4]).max(axis=1) <= 6)  # the left edge is all sea
    below = len(picture) - 1 - sea.max()
    assert sea.max() - sea.min() + 1 == ground.height_px
    at = {f"d{k}": (point.x, point.y) for k, point in enumerate(material.result.demand.points.geometry)}
    assert is_near(colour_at(picture, ground, at["d0"], below=below), "#08457e")
    assert not is_near(colour_at(picture, ground, at["d2"], below=below), "#08457e")
    land = colour_at(picture, ground, (toy.X0 + 9500, toy.Y0 + 3500), below=below)
    assert is_near(land, "#f6f3ea")
    water = colour_at(picture, ground, (toy.X0 + 5200, toy.Y0 + 700), below=below)
    assert is_near(water, "#cfe2ee")


def test_the_overview_has_the_colour_of_each_township(material, ground):
    """Meal points: A 30 of 60 (third colour), B 0 of 5 (first), C nobody (grey)."""
    picture = pixels(static_maps.draw_overview(material, ground))
    found = {tuple(colour) for colour in picture.reshape(-1, 3)}

    def has(wanted):
        return any(is_near(np.array(colour), wanted, 8) for colour in found)

    assert has(static_maps.SHARE_FILLS[2])
    assert has(static_maps.SHARE_FILLS[0])
    assert has(static_maps.NO_SHARE)


@pytest.mark.parametrize(
    "layers", [("townships",), ("land", "roads_drawn"), ("townships", "villages", "land", "roads_drawn")]
)
def test_maps_stand_without_layers_that_a_study_need_not_have(toy_result, layers):
    """Coverage by township goes with the townships, as in a run without them."""
    bare = {name: getattr(toy_result, name).iloc[:0] for name in layers}
    if "townships" in layers:
        bare["coverage"] = toy_result.coverage[toy_result.coverage["scope"] != "township"]
    drawn = dict(static_maps.draw_maps(maps.prepare(dataclasses.replace(toy_result, **bare), "en")))
    assert all(pixels(png).std() > 5.0 for png in drawn.values())


def test_a_study_of_one_place_is_drawn(toy_result):
    """The extent has a size even where everything is at one point."""
    point = toy_result.demand.points.geometry.iloc[0]
    everywhere = gpd.GeoDataFrame(
        toy_result.demand.points.drop(columns="geometry"), geometry=[point] * 5, crs=toy_result.demand.points.crs
    )
    here = dataclasses.replace(
        toy_result,
        demand=dataclasses.replace(toy_result.demand, points=everywhere),
        **{name: getattr(toy_result, name).iloc[:0] for name in ("townships", "villages", "land", "roads_drawn")},
    )
    west, south, east, north = static_ground.draw_ground(maps.prepare(here, "zh")).extent
    assert east > west
    assert north > south


def test_the_same_result_gives_the_same_bytes_whatever_the_settings_of_a_user(material, ground):
    service = material.result.study.services[0]
    first = static_maps.draw_coverage(material, service, ground)
    with mpl.rc_context({"font.size": 40, "axes.facecolor": "red", "lines.markersize": 30, "savefig.pad_inches": 9}):
        assert static_maps.draw_coverage(material, service, static_ground.draw_ground(material)) == first
    assert b"matplotlib" not in first.lower()


def test_the_bundled_font_is_small_free_and_has_every_letter_of_the_program_and_its_study():
    folder = files("chongming_gis.reports").joinpath("assets", "noto-sans-sc")
    assert len(folder.joinpath("NotoSansSC-subset.otf").read_bytes()) < 3_000_000
    assert "SIL OPEN FONT LICENSE Version 1.1" in folder.joinpath("OFL.txt").read_text(encoding="utf-8")
    _, known = static_pictures._bundled()
    texts = json.loads(files("chongming_gis").joinpath("wording.json").read_text(encoding="utf-8"))
    words = {letter for entry in texts.values() for text in entry.values() for letter in text if not letter.isspace()}
    assert words - known == set()
    assert static_pictures.STAND_IN in known


@pytest.mark.parametrize("layer", ["townships", "villages"])
def test_the_bundled_font_has_the_names_of_the_embedded_study(layer):
    from chongming_gis.sources.embedded import embedded_study_path

    data = embedded_study_path().parent.parent / "data" / "boundaries" / f"{layer}.parquet"
    names = gpd.read_parquet(data)["name_zh"].dropna()
    assert set("".join(names)) - static_pictures._bundled()[1] == set()


def test_letters_that_no_font_has_are_stood_in_for_and_what_shows_nothing_goes(toy):
    assert letters("甲\U0010fffd乙")[0] == "甲〓乙"
    assert "\u202e" not in letters(toy.NAMES["township"][2])[0]
    assert letters("甲\u200b乙\ufe0f\n")[0] == "甲乙"
    assert letters("$x^2$ & <b>")[0] == "$x^2$ & <b>"


@given(st.text(max_size=40))
def test_no_text_can_ask_for_a_letter_that_its_font_lacks(shown):
    text, font = letters(shown)
    assert set(text) <= static_pictures._letters_of(font.get_file())
    assert len(text) <= len(shown)


def svg(inside):
    return f'<svg viewBox="0 0 100 50" width="100" height="50" role="img"><title>t</title>{inside}</svg>'


def colour_of(inside, x, y):
    picture = pixels(svg_as_png(svg(inside)))
    scale = picture.shape[1] / 100.0
    return picture[int(y * scale), int(x * scale)]


@pytest.mark.parametrize(
    ("inside", "where"),
    [
        ('<rect x="10" y="10" width="20" height="20" fill="#0a4a7d"/>', (20, 20)),
        ('<g fill="#0a4a7d"><circle cx="60" cy="20" r="10"/></g>', (60, 20)),
        ('<polygon points="0,0 40,0 0,40" fill="#0a4a7d"/>', (5, 5)),
        ('<polyline points="0,25 100,25" fill="none" stroke="#0a4a7d" stroke-width="6"/>', (50, 25)),
        ('<path d="M10 40v-30h40 L90,10" stroke="#0a4a7d" stroke-width="6"/>', (70, 10)),
        ('<path d="M10 40v-30h40 L90,10" stroke="#0a4a7d" stroke-width="6"/>', (10, 25)),
        ('<path d="M5 5 H40 V40 Z" stroke="#0a4a7d" stroke-width="6"/>', (22, 22)),
        ('<path d="m5 5 l30 0 m10 10 30 0" stroke="#0a4a7d" stroke-width="6"/>', (60, 15)),
        ('<line x1="0" y1="40" x2="100" y2="40" stroke="#0a4a7d" stroke-width="6"/>', (50, 40)),
        ('<text x="50" y="45" text-anchor="middle" font-size="60" fill="#0a4a7d">■</text>', (50, 25)),
    ],
)  # fmt: skip
def test_shapes_of_a_drawing_stand_where_the_svg_puts_them(inside, where):
    assert is_near(colour_of(inside, *where), "#0a4a7d")
    assert is_near(colour_of(inside, 97, 47), "#ffffff")


@pytest.mark.parametrize(
    "inside",
    ['<ellipse cx="1" cy="1" rx="1" ry="1"/>', '<path d="M0 0 A 1 1 0 0 1 2 2" stroke="#000"/>',
     '<text transform="skewX(9)">t</text>'],
)  # fmt: skip
def test_a_shape_that_cannot_be_drawn_is_told(inside):
    with pytest.raises(DrawingError):
        svg_as_png(svg(inside))


def test_the_drawings_of_the_report_can_be_drawn(toy):
    """The Lorenz curve with a hostile name; the others are drawn in the tests of report.docx."""
    texts = pictures.LorenzTexts(toy.HOSTILE, "d", "across", "up", "equal", "<mark> & $5")
    drawing = pictures.draw_lorenz("a", np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.1, 1.0]), texts)
    assert pixels(svg_as_png(drawing)).std() > 5.0
    assert svg_as_png(drawing) == svg_as_png(drawing)


def test_colours_are_those_of_the_pages():
    script = files("chongming_gis.maps").joinpath("assets", "own", "layers.js").read_text(encoding="utf-8")
    found = re.findall(r'upTo: [\w.]+, fill: "(#\w+)"', script)
    assert tuple(found) == static_maps.SHARE_FILLS
    assert f'NO_SHARE = "{static_maps.NO_SHARE}"' in script
