"""What every part of a study file is made of: the frozen base of its models, and the types of their values."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]*$")


def _identifier(value: str) -> str:
    if not _IDENTIFIER.match(value):
        raise ValueError("an id is lower-case letters, digits and _, beginning with a letter (e.g. meal_point)")
    return value


Identifier = Annotated[str, AfterValidator(_identifier)]
Text = Annotated[str, Field(min_length=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Year = Annotated[int, Field(ge=1900, le=2200)]


class StudyModel(BaseModel):
    """A part of the study file: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)


def repeated_ids(section: str, ids: list[str]) -> list[str]:
    """Return what is wrong with the ids of one section: each may be given once.

    Examples
    --------
    >>> repeated_ids("services", ["a", "b", "a"])
    ["services: the id 'a' is given twice"]
    """
    return [f"{section}: the id {i!r} is given twice" for i in sorted({i for i in ids if ids.count(i) > 1})]
