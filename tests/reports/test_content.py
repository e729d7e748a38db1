from dataclasses import replace

import pytest

from chongming_gis import wording
from chongming_gis.maps.shares import Figures
from chongming_gis.reports import figures
from chongming_gis.reports.blocks import MapFrame, Paragraph, References, Table
from chongming_gis.reports.content import build_content
from chongming_gis.wording import Words
from tests.toy.proposed import NOTHING, with_proposals

ZH, EN = Words("zh"), Words("en")


def section(report, name):
    inner = [s for chapter in report.sections for s in chapter.inner]
    return next(s for s in (*report.sections, *inner) if s.id == name)


def shown(table: Table) -> list[list[str]]:
    return [[cell.shown for cell in row] for row in table.rows]


def summary(report) -> tuple[str, tuple[str, ...], Table]:
    paragraph, bullets, table, _ = section(report, "summary").blocks
    return paragraph.text, bullets.items, table


def notes(report) -> tuple[str, ...]:
    return section(report, "summary").blocks[3].items


def test_the_summary_says_the_numbers_of_the_toy_town(toy_result):
    opening, sentences, _ = summary(build_content(toy_result, ZH))
    assert opening == (
        "本报告测算 2 项服务、3 处设施、5 个居住点，数据日期为 2024-12-31。"
        "覆盖率最高的是老年助餐点（46.2%），最低的是养老机构（0%）。"
    )
    assert sentences[0] == (
        "老年助餐点：60岁及以上（常住人口）共 65 人，按“2024 征求意见稿”"
        "（镇区：步行 15 分钟；村庄：电动自行车 15 分钟）达标 30 人，占 46.2%；35 人未达标。"
        "未达标者中 30 人能到但超过时限，5 人在 240 分钟内到不了任何可使用的设施。"
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
    assert table.columns[1] == "覆盖率"
    assert shown(table)[0][1:3] == ["46.2%", "53.8%"]
    assert shown(table)[0][5:] == ["65", "30", "35", "5", "1（另规划 1）"]
    assert shown(table)[1][1:3] == ["0%", "—"]
    assert shown(table)[1][5:] == ["7", "0", "7", "3", "1"]


def test_what_must_be_known_to_read_the_table_stands_beneath_it(toy_result):
    """One base and no shared walking mode in the toy town: only who reaches nothing is explained."""
    (note,) = notes(build_content(toy_result, ZH))
    assert note.startswith("“其中无法到达”：在 240 分钟内到不了任何可使用的设施（没有路，或附近设施不为其服务）。")
    assert note.endswith("其余未达标者能够到达，但超过标准时限。")


def test_mixed_bases_and_a_shared_pace_are_told(toy_result):
    study = toy_result.study
    meal, care = study.services
    on_foot = care.model_copy(update={"standards": meal.standards, "base": "registered"})
    registered = study.bases[0].model_copy(update={"id": "registered", "name_zh": "户籍人口", "name_en": "registered"})
    walk = study.modes[0].model_copy(update={"speed_kmh": 3.6})
    mixed = study.model_copy(
        update={
            "services": (meal, on_foot),
            "bases": (*study.bases, registered),
            "modes": (walk, *study.modes[1:]),
        }
    )
    persons = toy_result.demand.persons.assign(**{"registered:a80_plus": 0.0})
    demand = replace(toy_result.demand, persons=persons)
    speed, bases, _ = notes(build_content(replace(toy_result, study=mixed, demand=demand), ZH))
    assert speed.startswith("不论服务对象，步行一律按“步行”（3.6 公里/时）测算")
    assert bases == "人数口径不一：养老机构按户籍人口计；其余服务按常住人口计。两种口径的人数不能相加或相减。"


def test_the_matrix_has_a_row_a_service_and_a_column_a_township(toy_result):
    (table,) = section(build_content(toy_result, ZH), "by-township").blocks
    assert table.columns[:3] == ("服务", "合计", "<b>堡镇</b>")
    assert shown(table) == [["老年助餐点", "46.2", "50.0", "0", "—"], ["养老机构", "0", "0", "0", "—"]]
    assert [cell.mark for cell in table.rows[0][1:]] == ["share-2", "share-2", "share-0", "share-none"]


def test_shares_at_the_edge_of_a_class_are_coloured_as_on_the_maps():
    """Classes are closed below: 20 % is of the second, 100 % of the last."""
    marks = [figures._coloured(Figures(1.0, share, share)).mark for share in (0.0, 0.1999, 0.2, 0.8, 1.0)]
    assert marks == ["share-0", "share-0", "share-1", "share-4", "share-4"]


def test_no_townships_no_matrix(toy_result):
    table = toy_result.coverage[toy_result.coverage["scope"] == "district"]
    report = build_content(replace(toy_result, coverage=table), ZH)
    assert "by-township" not in [chapter.id for chapter in report.sections]


def test_every_standard_stands_in_a_table_of_its_own(toy_result):
    (table,) = section(build_content(toy_result, ZH), "standards").blocks
    assert table.strong_rows == (0, 2)
    assert shown(table)[1] == [
        "老年助餐点 · 步行十五分钟", "15.4%", "23.1%", "步行 15 分钟", "65", "10", "55", "5",
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
    assert sentences[2].startswith("到2025年：")  # the plan under review; then nothing, where no circle is asked for
    assert len(sentences) == 3


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
        assert cells[1] == wording.share(row["share_covered"])
        assert cells[-4:-2] == [persons, covered]


def test_nobody_living_somewhere_is_a_dash_and_not_a_zero(toy_result):
    blocks = section(build_content(toy_result, ZH), "service-meal_point").blocks
    table = next(block for block in blocks if isinstance(block, Table))
    assert shown(table)[2][1:] == ["—", "—", "0", "0", "0", "0"]


def test_what_is_schematic_is_said_at_the_top(toy_result):
    report = build_content(toy_result, ZH)
    assert report.notice == "含示意数据：老年助餐点设施。仅供方法演示，须以实测数据替换。"
    assert report.badge == "示意数据"
    assert report.date == "数据日期：2024-12-31 · 内部工作资料"


def test_a_report_with_a_review_number_shows_it_and_claims_no_internal_use(toy_result):
    outputs = toy_result.study.outputs.model_copy(update={"map_review_number": "沪S(2024)1号"})
    reviewed = replace(toy_result, study=toy_result.study.model_copy(update={"outputs": outputs}))
    assert build_content(reviewed, ZH).date == "数据日期：2024-12-31 · 审图号：沪S(2024)1号"


def test_nothing_schematic_no_stamp(toy_result):
    entries = [{**entry, "kind": "sourced"} for entry in toy_result.manifest["sources"]]
    report = build_content(replace(toy_result, manifest={**toy_result.manifest, "sources": entries}), ZH)
    assert (report.badge, report.notice) == ("", "")


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
        "m.csv",
        "示意数据",
        "500",
        "placed by rule",
        "2024",
        "CC0",
        "—",
    ]
    assert by_caption["点位与道路的衔接"] == [["居住点", "步行", "5", "4", "1", "1", "离道路过远 1"]]
    assert by_caption["各方式的路网"] == [["步行", "11", "20", "12", "2", "95.0%"]]
    assert by_caption["读入的文件"] == [["道路", "r.osm", "cdcdcdcdcdcd", "12（采用 10）"]]
    assert ["人数：60岁及以上（常住人口）", "65"] in by_caption["数量"]


def test_every_citation_is_listed_once_and_referred_to_by_number(toy_result):
    """The toy's texts: census; test (three modes); t (three standards)."""
    blocks = section(build_content(toy_result, ZH), "method").blocks
    (listed,) = [block for block in blocks if isinstance(block, References)]
    assert listed.items == ("census", "test", "t")
    standards = next(b for b in blocks if isinstance(b, Table) and b.caption == "标准及其依据")
    assert [(row[-1].shown, row[-1].link) for row in standards.rows] == [("[3]", "ref-3")] * 3


def test_sources_are_told_in_the_language_of_the_page(toy_result):
    entry = {"role": "roads", "kind": "sourced", "source": "测绘院", "source_en": "survey institute", "how": "航测"}
    told = replace(toy_result, manifest={"sources": [entry]})
    for words, expected in ((ZH, ["测绘院", "航测"]), (EN, ["survey institute", "航测"])):
        table = next(b for b in section(build_content(told, words), "method").blocks if isinstance(b, Table))
        assert [shown(table)[0][k] for k in (4, 7)] == expected


def test_snapping_without_a_failure_is_folded(toy_result):
    def table_of(result):
        blocks = section(build_content(result, ZH), "method").blocks
        return next(b for b in blocks if isinstance(b, Table) and b.caption == "点位与道路的衔接")

    assert table_of(toy_result).folded == ""
    fine = [{**entry, "out_of_reach": 0, "reasons": {}} for entry in toy_result.manifest["snapping"]]
    folded = table_of(replace(toy_result, manifest={**toy_result.manifest, "snapping": fine}))
    assert folded.folded == "点位与道路的衔接：1 组点位全部衔接（展开明细）"


def test_baselines_decided_by_a_rule_are_linked(toy_result):
    blocks = section(build_content(toy_result, ZH), "method").blocks
    (paragraph,) = [block for block in blocks if isinstance(block, Paragraph) and block.link]
    assert paragraph.link == ("plan-schematic", "由示意规则决定的基期")
    assert section(build_content(toy_result, ZH), "plan-schematic")


def test_an_empty_manifest_leaves_parts_out_but_not_the_sources(toy_result):
    report = build_content(replace(toy_result, manifest={}), ZH)
    captions = [block.caption for block in section(report, "method").blocks if isinstance(block, Table)]
    assert captions == ["数据来源、性质与许可", "人口口径及其依据", "出行方式", "标准及其依据"]
    assert "老年助餐点设施" in report.notice


def test_no_number_no_sentence(toy_result):
    empty = replace(toy_result, coverage=toy_result.coverage.iloc[:0])
    opening, sentences, table = summary(build_content(empty, ZH))
    assert opening == "本报告测算 2 项服务、3 处设施、5 个居住点，数据日期为 2024-12-31。"
    assert sentences[:2] == ("", "")
    assert sentences[2:] == ("到2025年：未达到 2 项、示意 – 待填 1 项、未清点 1 项。",)
    assert shown(table)[0][1] == "—"
    assert shown(table)[0][4:7] == ["—", "—", "—"]


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


def test_the_summary_tells_what_is_proposed_in_a_line(toy_result):
    _, sentences, _ = summary(build_content(with_proposals(toy_result), ZH))
    assert sentences[-1] == "选址建议共新增 1 处：新增助餐点 1 处，覆盖率 46.2% → 92.3%。"
    _, sentences, _ = summary(build_content(with_proposals(toy_result, **NOTHING), ZH))
    assert not any("选址" in sentence for sentence in sentences)
