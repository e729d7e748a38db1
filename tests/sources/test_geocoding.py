"""Online geocoders against a stand-in server: Nominatim as osmnx asks it, and Tianditu."""

import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from chongming_gis import cli
from chongming_gis import crs as crs_module
from chongming_gis.config import GeocodingConfig, parse_study
from chongming_gis.errors import FetchError, StudyError
from chongming_gis.sources import geocoding
from chongming_gis.sources.cache import Cache
from chongming_gis.sources.geocoding import Hit, OnlineLocator
from chongming_gis.sources.web import Patience, WebClient
from tests.standin import overpass as standin

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
UTM = crs_module.parse_metric("EPSG:32651", where="test")
REGION = (121.3, 31.5, 121.9, 31.9)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("osmnx._nominatim.time", type("Clock", (), {"sleep": staticmethod(lambda _: None)}))
    yield from standin.serve(None)


def place(lon, lat, name, half=0.001):
    """What Nominatim says of a place whose box is ``half`` a degree around it."""
    return {
        "place_id": 1,
        "osm_type": "node",
        "osm_id": 5,
        "importance": 0.3,
        "display_name": name,
        "lat": str(lat),
        "lon": str(lon),
        "boundingbox": [str(lat - half), str(lat + half), str(lon - half), str(lon + half)],
        "geojson": {"type": "Point", "coordinates": [lon, lat]},
    }


def tianditu(lon, lat, level="门址"):
    location = {"lon": str(lon), "lat": str(lat), "level": level, "keyWord": "甲", "score": 100}
    return {"msg": "ok", "status": "0", "searchVersion": "6.4.9V", "location": location}


def rows(*rows):
    frame = pd.DataFrame(
        rows, columns=["name_zh", "address", "township_name", "village_name"], index=range(5, 5 + len(rows))
    )
    return frame.astype("str")


def locator(server, tmp_path, *, provider="nominatim", rounds=2, **options):
    config = GeocodingConfig(provider=provider, url=server.url, key_env="KEY" if provider == "tianditu" else None)
    client = WebClient(patience=Patience(pause_s=0.0, rounds=rounds), sleep=lambda _: None)
    geocoder = geocoding.geocoder_of(config, client=client, cache=Cache(tmp_path / "kept"))
    region = crs_module.transform(np.array([shapely.box(*REGION)]), crs_module.parse("EPSG:4326", where="t"), UTM)[0]
    return OnlineLocator(geocoder, UTM, **{"region": region, "within": "上海市崇明区", **options})


class TestNominatim:
    def test_an_address_is_placed_with_how_and_how_well(self, server, tmp_path):
        server.places["上海市崇明区城桥镇人民路1号"] = [place(121.4, 31.62, "人民路1号, 城桥镇")]
        found = locator(server, tmp_path).locate(rows(("敬老院", "人民路1号", "城桥镇", None)))
        assert found.crs == UTM
        assert found.index.tolist() == [5]
        back = found.to_crs(4326).geometry.iloc[0]
        assert (back.x, back.y) == pytest.approx((121.4, 31.62), abs=1e-9)
        # half the diagonal of 0.002 x 0.002 degrees at 31.62 N: 95 m and 111 m a side, worked by hand
        assert found["position_quality_m"].iloc[0] == pytest.approx(np.hypot(94.7, 111.2), abs=1.0)
        assert found["how"].iloc[0] == "Nominatim (OpenStreetMap): 人民路1号, 城桥镇"
        assert pd.isna(found["reason"].iloc[0])

    def test_what_is_not_known_not_certain_or_not_in_the_region_is_told(self, server, tmp_path):
        server.places["上海市崇明区南京路1号"] = [place(121.47, 31.23, "南京路, 黄浦区")]
        server.places["上海市崇明区某地"] = [place(121.6, 31.6, "崇明区", half=0.3)]
        asked = rows((None, "南京路1号", None, None), ("某地", None, None, None), ("谜", None, None, None), (None,) * 4)
        found = locator(server, tmp_path).locate(asked)
        assert found.geometry.isna().all()
        assert found["how"].isna().all()
        outside, rough, unknown, empty = found["reason"]
        assert "finds 南京路, 黄浦区 at 121.47000, 31.23000, outside the region" in outside
        assert "knows only 崇明区" in rough
        assert "m off" in rough
        assert "does not know '上海市崇明区谜'" in unknown
        assert empty == "there is neither an address nor a name"
        assert len(server.queries) == 3

    def test_the_same_question_is_asked_once_and_kept(self, server, tmp_path):
        server.places["上海市崇明区甲"] = [place(121.4, 31.62, "甲")]
        twice = rows(("甲", None, None, None), ("甲", None, None, None), ("谜", None, None, None))
        heard = []
        for _ in range(2):
            found = locator(server, tmp_path, heard=lambda done, of: heard.append((done, of))).locate(twice)
            assert found.geometry.notna().tolist() == [True, True, False]
        assert [query["q"] for query in server.queries] == ["上海市崇明区甲", "上海市崇明区谜"]
        assert heard[:2] == [(0, 2), (1, 2)]

    def test_a_busy_server_is_asked_again_and_then_given_up(self, server, tmp_path):
        server.places["甲"] = [place(121.4, 31.62, "甲")]
        server.modes = ["503"]
        asked = rows(("甲", None, None, None))
        assert locator(server, tmp_path, within="").locate(asked).geometry.notna().all()
        server.modes = ["503"] * 9
        with pytest.raises(FetchError, match="answers 503"):
            locator(server, tmp_path, within="").locate(rows(("乙", None, None, None)))


class TestTianditu:
    @pytest.fixture(autouse=True)
    def key(self, monkeypatch):
        monkeypatch.setenv("KEY", "0123456789secret")

    def test_an_address_is_placed_by_its_level(self, server, tmp_path):
        server.places["上海市崇明区甲"] = tianditu(121.4, 31.62)
        server.places["上海市崇明区乙镇"] = tianditu(121.5, 31.62, "乡镇")
        asked = rows(("甲", None, None, None), ("乙镇", None, None, None), ("谜", None, None, None))
        found = locator(server, tmp_path, provider="tianditu").locate(asked)
        back = found.to_crs(4326).geometry.iloc[0]
        assert (back.x, back.y) == pytest.approx((121.4, 31.62), abs=1e-9)  # CGCS2000 is WGS 84 to within decimetres
        assert found["position_quality_m"].tolist()[:1] == [100.0]
        assert found.geometry.notna().tolist() == [True, False, False]
        assert "which may be 5,000 m off" in found["reason"].iloc[1]

    def test_the_key_is_sent_but_neither_kept_nor_shown(self, server, tmp_path):
        server.places["甲"] = tianditu(121.4, 31.62)
        asked = rows(("甲", None, None, None))
        locator(server, tmp_path, provider="tianditu", within="").locate(asked)
        assert server.queries[0]["tk"] == "0123456789secret"
        assert all(b"secret" not in path.read_bytes() for path in (tmp_path / "kept").iterdir())
        locator(server, tmp_path, provider="tianditu", within="").locate(asked)
        assert len(server.queries) == 1

    @pytest.mark.parametrize("mode", ["", "403", "500"])
    def test_a_refused_key_is_told_without_showing_it(self, server, tmp_path, mode):
        server.places["甲"] = {"code": 301005, "msg": "权限类型错误", "resolve": "key"}
        server.modes = [mode] * 9
        with pytest.raises(FetchError) as caught:
            locator(server, tmp_path, provider="tianditu", within="").locate(rows(("甲", None, None, None)))
        assert "secret" not in str(caught.value)
        assert ("check your key" in str(caught.value)) == (mode == "")

    def test_a_service_that_is_not_there_does_not_show_the_key(self, server, tmp_path):
        asking = locator(server, tmp_path, provider="tianditu", within="")
        gone = geocoding.TiandituGeocoder(
            asking.geocoder.client, asking.geocoder.cache, "0123456789secret", "http://127.0.0.1:9"
        )
        with pytest.raises(FetchError, match="cannot be reached") as caught:
            gone.find("甲")
        assert "secret" not in str(caught.value)

    def test_without_a_key_it_says_where_to_put_it(self, server, tmp_path, monkeypatch):
        monkeypatch.delenv("KEY")
        with pytest.raises(StudyError, match="environment variable KEY is empty"):
            locator(server, tmp_path, provider="tianditu")


@pytest.mark.parametrize(
    ("row", "question"),
    [
        (("敬老院", "城桥镇人民路1号", "城桥镇", "侯南村"), "上海市崇明区侯南村城桥镇人民路1号"),
        (("敬老院", None, "城桥镇", None), "上海市崇明区城桥镇敬老院"),
        ((None, "上海市崇明区三星镇", None, None), "上海市崇明区三星镇"),
        ((None, None, "城桥镇", None), ""),
    ],
)
def test_what_is_asked(row, question):
    texts = dict(
        zip(["name_zh", "address", "township_name", "village_name"], [part or "" for part in row], strict=True)
    )
    assert OnlineLocator(None, UTM, within="上海市崇明区").question(texts) == question


def test_hits_without_a_region_are_taken_where_they_are():
    class Everywhere:
        name = "x"

        def find(self, address):
            return Hit(0.0, 0.0, 10.0, address)

    found = OnlineLocator(Everywhere(), crs_module.parse_metric("EPSG:32631", where="t")).locate(
        rows(("甲", None, None, None))
    )
    assert found.geometry.notna().all()


class TestConfig:
    def test_it_is_off_unless_asked_for(self, toy_study):
        assert toy_study().geocoding is None

    def test_tianditu_needs_a_key(self, toy_study):
        content = {**toy_study().model_dump(mode="json", exclude_none=True), "geocoding": {"provider": "tianditu"}}
        with pytest.raises(StudyError, match="tianditu needs key_env"):
            parse_study(content, folder=toy_study().folder)

    def test_nobody_may_be_asked_faster_than_once_a_second(self, toy_study):
        content = {
            **toy_study().model_dump(mode="json", exclude_none=True),
            "geocoding": {"provider": "nominatim", "pause_s": 0.1},
        }
        with pytest.raises(StudyError, match=r"geocoding.pause_s = 0\.1"):
            parse_study(content, folder=toy_study().folder)


TABLE = "名称,地址,经度,纬度,床位数\n甲院,人民路1号,,,20\n乙院,不知何处,,,30\n=丙院,,121.5,31.7,40\n"


class TestCommand:
    @pytest.fixture
    def study(self, tmp_path, server):
        from tests.test_cli import STUDY

        gpd.GeoDataFrame(geometry=[shapely.box(*REGION)], crs=4326).to_file(tmp_path / "region.geojson")
        text = STUDY.replace(
            "[sources.roads]",
            '[region]\nboundary = "region.geojson"\n[geocoding]\nprovider = "nominatim"\n'
            f'url = "{server.url}"\nwithin = "崇明"\n[sources.roads]',
        )
        (tmp_path / "study.toml").write_text(text, encoding="utf-8")
        (tmp_path / "list.csv").write_text(TABLE, encoding="utf-8")
        return tmp_path / "study.toml"

    def run(self, monkeypatch, capsys, *arguments):
        monkeypatch.setattr(sys, "argv", ["chongming-gis", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    def test_a_table_to_look_through_is_written(self, study, server, tmp_path, monkeypatch, capsys):
        server.places["崇明人民路1号"] = [place(121.4, 31.62, "人民路1号")]
        arguments = (
            "geocode",
            tmp_path / "list.csv",
            "--study",
            study,
            "--service",
            "meal_point",
            "--cache",
            tmp_path / "c",
        )
        code, out, _ = self.run(monkeypatch, capsys, *arguments)
        assert code == 0
        assert "1" in out
        written = pd.read_csv(tmp_path / "list-geocoded.csv", dtype={"name_zh": str})
        assert written["name_zh"].tolist() == ["甲院", "乙院", "'=丙院"]  # never a live formula
        assert written["lon"].round(6).tolist()[0::2] == [121.4, 121.5]
        assert np.isnan(written["lon"][1])
        assert written["located_by"].notna().tolist() == [True, False, False]
        assert "does not know '崇明不知何处'" in written["not_located_because"][1]
        code, _, err = self.run(monkeypatch, capsys, *arguments)
        assert (code, "exists already" in err) == (2, True)

    def test_it_is_off_by_default(self, study, tmp_path, monkeypatch, capsys):
        text = study.read_text(encoding="utf-8")
        start, end = text.index("[geocoding]"), text.index("[sources.roads]")
        study.write_text(text[:start] + text[end:], encoding="utf-8")
        code, _, err = self.run(
            monkeypatch, capsys, "geocode", tmp_path / "list.csv", "--study", study, "--service", "meal_point"
        )
        assert (code, "geocoding is off; add [geocoding]" in err) == (2, True)
