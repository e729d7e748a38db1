"""People: township totals from the facts, shared out over villages and places, by age, sex and need.

Two bases stand side by side: residents (the census) and registered people. All numbers are whole and add up exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from embedded.counting import largest_remainder, running_rounding

if TYPE_CHECKING:
    import geopandas as gpd

    from embedded.facts import Facts

AGES = ("0_59", "60_64", "65_69", "70_79", "80_plus")
SEXES = ("f", "m")
BASES = ("res", "reg")
PERSONS_PER_PLACE = {"village": 27.0, "town": 85.0}
MOST_TOWN_SHARE = 0.90  # of a township's residents, where it has villages too
CLUSTERING = 1.1


def township_totals(facts: Facts) -> pd.DataFrame:
    """Return whole persons per township: resident, registered, and 60+ of both (columns res, reg, res_60, reg_60)."""
    table = facts["townships"].sort_values("township_code", ignore_index=True)
    residents = largest_remainder(table["pop2020_estimate"], _count(facts, "census resident population"))
    listed = table["pop_kind"].str.contains("registered") | (table["pop_year"].astype(str) == "2020")
    registered_weight = np.where(listed, table["pop_value"], table["pop2020_estimate"])
    registered = largest_remainder(registered_weight, _count(facts, "registered population implied"))
    share = table["share_60_plus_model"].to_numpy(float)
    elders = np.round(share * residents).astype(np.int64)
    registered_share = np.maximum(share, facts.parameter("least_registered_60_plus_share"))
    registered_elders = largest_remainder(registered_share * registered, _count(facts, "60+ registered population"))
    return pd.DataFrame(
        {
            "township_code": table["township_code"],
            "res": residents,
            "reg": registered,
            "res_60": elders,
            "reg_60": registered_elders,
        }
    )


def _count(facts: Facts, item: str) -> int:
    table = facts["district_counts"]
    rows = table[table["item"] == item].sort_values("year", ascending=False, key=lambda years: years.str[:4])
    return int(float(rows["value"].iloc[0]))


def unit_residents(facts: Facts, villages: gpd.GeoDataFrame, totals: pd.DataFrame, rng: np.random.Generator) -> Any:
    """Return residents of every village cell: towns hold the census' urban residents, villages the rest by size."""
    urban = _count(facts, "census urban resident")
    is_town = (villages["kind"] == "neighbourhood").to_numpy()
    code = villages["township_code"].to_numpy()
    res = totals.set_index("township_code")["res"]
    towns = pd.Series(is_town, index=code).groupby(level=0).sum().reindex(res.index)
    only_towns = pd.Series(is_town, index=code).groupby(level=0).all().reindex(res.index)
    most = np.where(only_towns, res, MOST_TOWN_SHARE * res)
    low, high = 0.0, 50_000.0
    for _ in range(60):
        middle = (low + high) / 2
        held = np.where(only_towns, res, np.minimum(most, middle * towns)).sum()
        low, high = (middle, high) if held < urban else (low, middle)
    town_people = np.where(only_towns, res, np.round(np.minimum(most, high * towns))).astype(np.int64)
    people = np.zeros(len(villages), dtype=np.int64)
    spread = np.exp(rng.normal(0, 0.28, len(villages)))
    area = villages.geometry.area.to_numpy()
    for township, in_town in zip(res.index, town_people, strict=True):
        town_rows = np.flatnonzero((code == township) & is_town)
        rows = np.flatnonzero((code == township) & ~is_town)
        if len(town_rows):
            people[town_rows] = largest_remainder(spread[town_rows], int(in_town))
        if len(rows):
            weight = area[rows] ** 0.8 * spread[rows]
            people[rows] = largest_remainder(weight, int(res[township] - in_town))
    return people


def choose_places(
    villages: gpd.GeoDataFrame, people: Any, places: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the places where people live, with a ``weight`` (expected residents), ordered by village and position.

    Homes cluster: places where a smooth wave is high are likelier, so that hamlets and empty stretches appear.
    """
    wave = np.sin(places["x"] / 310.0 + 2 * np.sin(places["y"] / 450.0)) + np.sin(places["y"] / 270.0)
    chosen = []
    for row, (village, persons) in enumerate(zip(villages["village_code"], people, strict=True)):
        is_town = villages["kind"].iloc[row] == "neighbourhood"
        pool = places.index[(places["village_code"] == village) & (places["in_town"] if is_town else True)].to_numpy()
        if len(pool) == 0:
            raise RuntimeError(f"no place for a home in {village}: make lanes denser there")
        wanted = int(np.ceil(persons / PERSONS_PER_PLACE["town" if is_town else "village"]))
        likely = np.exp(CLUSTERING * wave[pool].to_numpy())
        picked = rng.choice(pool, size=min(wanted, len(pool)), replace=False, p=likely / likely.sum())
        size = np.exp(rng.normal(0, 0.45, len(picked)))
        chosen.append(places.loc[picked].assign(weight=persons * size / size.sum()))
    made = pd.concat(chosen)
    made["settlement_class"] = np.where(made["kind"] == "neighbourhood", "town", "village")
    made = made.assign(place=made.index).sort_values(["village_code", "x", "y"], ignore_index=True)
    number = made.groupby("village_code").cumcount() + 1
    made.insert(0, "demand_id", made["village_code"] + "-" + number.map("{:03d}".format))
    return made


def persons_table(facts: Facts, places: pd.DataFrame, totals: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return whole persons per place (rows as ``places``) by base, age and sex, and by need."""
    columns = _column_names()
    persons = pd.DataFrame(0, index=places.index, columns=columns, dtype=np.int64)
    rates = _Rates(facts)
    for row in totals.itertuples(index=False):
        at = places.index[places["township_code"] == row.township_code]
        weight = places.loc[at, "weight"].to_numpy()
        older = np.where(places.loc[at, "settlement_class"] == "town", rates.town_age, rates.village_age)
        for base in BASES:
            everyone, elders = getattr(row, base), getattr(row, f"{base}_60")
            by_age = [everyone - elders, *largest_remainder(rates.ages, elders)]
            old_here = elders * weight * older / (weight * older).sum()
            younger = np.maximum(everyone * weight / weight.sum() - old_here, 0.0)  # so that each place keeps its size
            for age, number in zip(AGES, by_age, strict=True):
                women = round(number * rates.women[age])
                share = younger if age == "0_59" else weight * older
                for sex, count in (("f", women), ("m", number - women)):
                    persons.loc[at, f"{base}_a{age}_{sex}"] = running_rounding(share, int(count), float(rng.random()))
    return _add_needs(persons, rates, rng)


def _column_names() -> list[str]:
    return [f"{base}_a{age}_{sex}" for base in BASES for age in AGES for sex in SEXES]


class _Rates:
    """Shares of ages, sexes and needs among people of 60 and more."""

    def __init__(self, facts: Facts) -> None:
        self.ages = [facts.parameter(f"share_{age}_of_60_plus") for age in AGES[1:]]
        women_80 = facts.parameter("women_share_80_plus")
        rest = (facts.parameter("women_share_60_plus") - self.ages[-1] * women_80) / (1 - self.ages[-1])
        self.women = dict.fromkeys(AGES[1:-1], rest) | {
            "80_plus": women_80,
            "0_59": facts.parameter("women_share_0_59"),
        }
        self.town_age, self.village_age = (facts.parameter(f"age_factor_{kind}") for kind in ("town", "village"))
        self.needs = facts.parameter("disability_rate_60_plus")
        self.severe = facts.parameter("severe_share_of_disability")
        self.multiple = {
            "60_64": 1.0,
            "65_69": 1.0,
            "70_79": facts.parameter("disability_multiple_70_79"),
            "80_plus": facts.parameter("disability_multiple_80_plus"),
        }
        self.alone = int(facts.parameter("registered_80_plus_living_alone"))


def _add_needs(persons: pd.DataFrame, rates: _Rates, rng: np.random.Generator) -> pd.DataFrame:
    """Return the table with disabled, semi-disabled (both of 60+) and living alone (80+) of each base."""
    very_old = {base: persons[f"{base}_a80_plus_f"] + persons[f"{base}_a80_plus_m"] for base in BASES}
    alone_rate = rates.alone / very_old["reg"].sum()
    for base in BASES:
        by_age = {age: persons[f"{base}_a{age}_f"] + persons[f"{base}_a{age}_m"] for age in AGES[1:]}
        weight = sum(count * rates.multiple[age] for age, count in by_age.items())
        in_need = running_rounding(weight, round(rates.needs * sum(by_age.values()).sum()), float(rng.random()))
        severe = running_rounding(in_need, round(rates.severe * in_need.sum()), float(rng.random()))
        persons[f"{base}_disabled"] = severe
        persons[f"{base}_semi_disabled"] = in_need - severe
        alone = round(alone_rate * very_old[base].sum())
        persons[f"{base}_alone_80_plus"] = running_rounding(very_old[base], alone, float(rng.random()))
    return persons


def projection(facts: Facts, persons: pd.DataFrame) -> pd.DataFrame:
    """Return registered 60+ and 80+ of 2020 and of later years (cohorts grow older; planning assumption).

    Every five years each cohort of five years moves up; those who die on the way are taken from the survival shares
    of model_parameters.csv, and the newly 60-year-old are as many as it says. 70-79 moves half a cohort at a time.
    """
    women_and_men = {age: persons[[f"reg_a{age}_f", f"reg_a{age}_m"]].to_numpy().sum() for age in AGES[1:]}
    groups = np.array([women_and_men[age] for age in AGES[1:]], float)
    stay = np.array([facts.parameter(f"five_year_survival_{age}") for age in AGES[1:]])
    rows = []
    for year in (2020, 2025, 2030, 2035):
        whole = np.round(groups).astype(np.int64)
        rows.append(
            {
                "year": year,
                "base": "registered",
                "persons_60_plus": int(whole.sum()),
                "persons_80_plus": int(whole[-1]),
                "kind": "derived" if year == 2020 else "planning assumption",
            }
        )
        newly = facts.parameter(f"newly_60_after_{year}") if year < 2035 else 0.0
        groups = np.array(
            [
                newly,
                groups[0] * stay[0],
                groups[1] * stay[1] + groups[2] * 0.5 * stay[2],
                groups[2] * 0.5 * stay[2] + groups[3] * stay[3],
            ]
        )
    return pd.DataFrame(rows)
