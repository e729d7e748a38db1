from dataclasses import replace

from chongming_gis.maps import notices
from chongming_gis.wording import Words

ZH = Words("zh")


def test_a_map_names_the_sources_behind_it_only(toy_result):
    roles = [entry["role"] for entry in notices.relevant(toy_result, "care_home")]
    assert roles == ["roads", "demand", "facilities:care_home"]
    assert len(notices.relevant(toy_result, None)) == 4


def test_schematic_data_is_named_and_nothing_else(toy_result):
    study = toy_result.study
    assert "老年助餐点设施" in notices.schematic_notice(study, notices.relevant(toy_result, "meal_point"), ZH)
    assert notices.schematic_notice(study, notices.relevant(toy_result, "care_home"), ZH) == ""


def test_a_manifest_without_sources_is_answered_from_the_study(toy_result):
    bare = replace(toy_result, manifest={})
    assert [entry["role"] for entry in notices.sources(bare)] == [
        "roads", "demand", "townships", "facilities:meal_point", "facilities:care_home",
    ]  # fmt: skip
    assert notices.schematic_notice(bare.study, notices.sources(bare), ZH)


def test_openstreetmap_is_credited_once_and_other_licences_by_name(toy_result):
    lines = notices.attribution(notices.sources(toy_result), ZH)
    assert lines == ["© OpenStreetMap 贡献者，ODbL", "district list (CC BY 4.0)"]


def test_a_long_list_of_services_is_counted(toy_result):
    study = toy_result.study
    services = tuple(study.services[0].model_copy(update={"id": f"s{i}"}) for i in range(5))
    many = study.model_copy(update={"services": services})
    entries = [{"role": f"facilities:s{i}", "kind": "schematic"} for i in range(5)]
    assert "5 项服务的设施" in notices.schematic_notice(many, [{"role": "roads", "kind": "schematic"}, *entries], ZH)
