from dataclasses import replace

import pytest

from chongming_gis import wording
from chongming_gis.reports.blocks import MapFrame, Table
from chongming_gis.reports.content import build_content
from chongming_gis.wording import Words

ZH, EN = Words("zh"), Words("en")


def section(report, name):
    inner = [s for chapter in report.sections for s in chapter.inner]
    return next(s for s in (*report.sections, *inner) if s.id == name)


def shown(table: Table) -> list[list[str]]:
    return [[cell.shown for cell in row] for row in table.rows]


def summary(report) -> tuple[str, tuple[str, ...], Table]:
    paragraph, bullets, table = section(report, "summary").blocks
    return paragraph.text, bullets.items, table


def test_the_summary_says_the_numbers_of_the_toy_town(toy_result):
    opening, sentences, _ = summary(build_content(toy_result, ZH))
    assert opening == (
        "本报告测算 2 项服务、3 处设施、5 个居住点，数据日期为 2024-12-31。"
        "覆盖率最高的是老年助餐点（46.2%），最低的是养老机构（0%）。"
    )
    assert sentences[0] == (
        "老年助餐点：60岁及以上（常住人口）共 65 人，按“2024 征求意见稿”"
        "（镇区：步行 15 分钟；村庄：电动自行车 15 分钟）达标 30 人，占 46.2%；35 人未达标。"
        "未达标人数较多的是<b>堡镇</b>（30 人）、庙镇 {{7*7}} {% raw %}（5 人）。"
    )


def test_the_english_summary_reads_as_sentences(toy_result):
    opening, sentences, _ = summary(build_content(toy_result, EN))
    assert opening.endswith(
        "as of 2024-12-31. The share covered is highest for Meal points (46.2%) and lowest for Care homes (0%)."
    )
    assert sentences[0].startswith("Meal points: of 65 persons (60 and over, residents), 30 (46.2%) are within the")


def test_the_summary_table_equals_the_coverage_table(toy_result):
    _, _, table = summary(build_content(toy_result, ZH))
    assert [row[0] for row in shown(table)] == ["老年助餐点", "养老机构"]
    assert shown(table)[0][3:] == ["65", "30", "35", "46.2%", "53.8%", "1（另规划 1）"]
    assert shown(table)[1][3:] == ["7", "0", "7", "0%", "—", "1"]


def test_every_standard_stands_in_a_table_of_its_own(toy_result):
    (table,) = section(build_content(toy_result, ZH), "standards").blocks
    assert table.strong_rows == (0, 2)
    assert shown(table)[1] == [
        "老年助餐点 · 步行十五分钟", "步行 15 分钟", "65", "10", "55", "15.4%", "23.1%",
    ]  # fmt: skip


def test_many_services_are_sorted_into_bands(toy_result):
    import pandas as pd

    study = toy_result.study
    twins = tuple(study.services[0].model_copy(update={"id": f"s{i}", "name_zh": f"服务{i}"}) for i in range(7))
    meal = toy_result.coverage[toy_result.coverage["service"] == "meal_point"]
    tables = [meal.assign(service=f"s{i}") for i in range(7)]
    for table in tables[:2]:
        table["persons_covered"] = table["persons"]
        table["share_covered"] = 1.0
    many = replace(
        toy_result, study=study.model_copy(update={"services": twins}), coverage=pd.concat(tables, ignore_index=True)
    )
    _, sentences, _ = summary(build_content(many, ZH))
    assert sentences[0] == "覆盖率在 90% 及以上的有 2 项：服务0（100%）、服务1（100%）。"
    assert sentences[1].startswith("覆盖率不足 50% 的有 5 项：服务2（46.2%）、")
    assert len(sentences) == 2


@pytest.mark.parametrize("service_id", ["meal_point", "care_home"])
def test_every_number_of_a_township_table_is_in_the_coverage_table(toy_result, service_id):
    service = toy_result.study.service(service_id)
    blocks = section(build_content(toy_result, ZH), f"service-{service_id}").blocks
    table = next(block for block in blocks if isinstance(block, Table))
    rule = toy_result.coverage["serves_rule"] == "applied"
    rows = toy_result.coverage[rule].query(
        f"service == '{service_id}' and standard == '{service.standards[0].id}' and group == '{service.group}'"
    )
    expected = rows[rows["scope"] == "township"].sort_values("scope_code").to_dict("records")
    expected += rows[rows["scope"] == "district"].to_dict("records")
    for cells, row in zip(shown(table), expected, strict=True):
        persons, covered = wording.persons(row["persons"]), wording.persons(row["persons_covered"])
        assert cells[1:3] == [persons, covered]
        assert cells[4] == wording.share(row["share_covered"])


def test_nobody_living_somewhere_is_a_dash_and_not_a_zero(toy_result):
    blocks = section(build_content(toy_result, ZH), "service-meal_point").blocks
    table = next(block for block in blocks if isinstance(block, Table))
    assert shown(table)[2][1:] == ["0", "0", "0", "—", "—"]


def test_what_is_schematic_is_said_at_the_top(toy_result):
    report = build_content(toy_result, ZH)
    assert report.notice == "含示意数据：老年助餐点设施。仅供方法演示，须以实测数据替换。"
    assert report.badge == "内部工作用图"


def test_every_map_has_its_place(toy_result):
    report = build_content(toy_result, ZH)
    sections = [*report.sections, *(s for chapter in report.sections for s in chapter.inner)]
    assert [b.name for s in sections for b in s.blocks if isinstance(b, MapFrame)] == [
        "overview",
        "meal_point",
        "care_home",
    ]


def test_the_method_chapter_says_what_the_manifest_says(toy_result):
    tables = [block for block in section(build_content(toy_result, ZH), "method").blocks if isinstance(block, Table)]
    by_caption = {table.caption: shown(table) for table in tables}
    assert by_caption["数据来源、性质与许可"][2] == [
        "老年助餐点设施",
        "示意数据",
        "placed by rule",
        "CC0",
        "2024",
        "500",
    ]
    assert by_caption["点位与道路的衔接"] == [["居住点", "步行", "5", "4", "1", "1", "离道路过远 1"]]
    assert by_caption["各方式的路网"] == [["步行", "11", "20", "12", "2", "95.0%"]]
    assert by_caption["读入的文件"] == [["道路", "data/r.osm", "cdcdcdcdcdcd", "12（采用 10）"]]
    assert ["人数：60岁及以上（常住人口）", "65"] in by_caption["数量"]


def test_an_empty_manifest_leaves_parts_out_but_not_the_sources(toy_result):
    report = build_content(replace(toy_result, manifest={}), ZH)
    captions = [block.caption for block in section(report, "method").blocks if isinstance(block, Table)]
    assert captions == ["数据来源、性质与许可", "标准及其依据", "出行方式"]
    assert "老年助餐点设施" in report.notice


def test_no_number_no_sentence(toy_result):
    empty = replace(toy_result, coverage=toy_result.coverage.iloc[:0])
    opening, sentences, table = summary(build_content(empty, ZH))
    assert opening == "本报告测算 2 项服务、3 处设施、5 个居住点，数据日期为 2024-12-31。"
    assert sentences == ("", "")
    assert shown(table)[0][3:7] == ["—", "—", "—", "—"]


def test_a_group_without_anybody_is_not_assessed(toy_result):
    table = toy_result.coverage.copy()
    table[["persons", "persons_covered"]] = 0.0
    table["share_covered"] = float("nan")
    _, sentences, _ = summary(build_content(replace(toy_result, coverage=table), ZH))
    assert sentences[0] == "老年助餐点：研究范围内没有60岁及以上（常住人口），不作评价。"


def test_everybody_covered_is_said_without_a_remainder(toy_result):
    table = toy_result.coverage.copy()
    table["persons_covered"] = table["persons"]
    table["share_covered"] = table["persons_covered"] / table["persons"].where(table["persons"] > 0)
    _, sentences, _ = summary(build_content(replace(toy_result, coverage=table), ZH))
    assert sentences[1] == "养老机构：80岁及以上（常住人口）共 7 人，按“车行三十分钟”（小汽车 30 分钟）全部达标。"


def test_two_islands_get_a_table(toy_result):
    table = toy_result.coverage
    second = table[table["scope"] == "island"].assign(scope_code="other")
    import pandas as pd

    both = replace(toy_result, coverage=pd.concat([table, second], ignore_index=True))
    blocks = section(build_content(both, ZH), "service-meal_point").blocks
    captions = [block.caption for block in blocks if isinstance(block, Table)]
    assert captions[1] == "老年助餐点：分岛屿达标情况（2024 征求意见稿）"
