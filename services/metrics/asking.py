"""What may be asked of the figures over HTTP, and how a wrong question is answered: with every fault in it at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from services.metrics.figures import BEGINNING, END, Ask, GroupBy
from tanggap.contracts.city import City


def _moment(value: object) -> object:
    """Say how a moment is written before pydantic says what is wrong with it in its own words."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise PydanticCustomError(
            "moment",
            "must be a moment with its zone, like 2026-11-24T00:00:00+07:00 (in an address the plus sign is written %2B)",
        )
    if not BEGINNING <= moment <= END:
        raise PydanticCustomError("moment", f"must lie between {BEGINNING:%Y} and {END:%Y}")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]


class Question(BaseModel):
    """The parameters of `/v1/figures`. Validated with the city as context, for only it knows its units and categories."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    group_by: Annotated[
        GroupBy, Field(description="One row of figures for each unit, kota or category; `all`: the total only.")
    ] = "all"
    received_from: Annotated[
        Moment, Field(alias="from", description="Only complaints received at or after this moment (RFC 3339, with zone).")
    ] = BEGINNING
    received_to: Annotated[
        Moment, Field(alias="to", description="Only complaints received before this moment (RFC 3339, with zone).")
    ] = END
    unit: Annotated[str | None, Field(description="Only complaints that this unit has in hand: its code.")] = None
    category: Annotated[str | None, Field(description="Only complaints of this category.")] = None

    @field_validator("unit")
    @classmethod
    def _known_unit(cls, code: str | None, info: ValidationInfo) -> str | None:
        if code is not None and code not in _city(info).units:
            raise PydanticCustomError("unit", "is not the code of a unit of this city")
        return code

    @field_validator("category")
    @classmethod
    def _known_category(cls, slug: str | None, info: ValidationInfo) -> str | None:
        if slug is not None and slug not in _city(info).categories:
            raise PydanticCustomError("category", "is not a category of this city")
        return slug

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.received_to <= self.received_from:
            raise PydanticCustomError("period", "must be after `from`")
        return self

    def ask(self) -> Ask:
        """Give the question as the figures take it."""
        return Ask(self.group_by, self.received_from, self.received_to, self.unit, self.category)


def _city(info: ValidationInfo) -> City:
    city = (info.context or {})["city"]
    assert isinstance(city, City)  # noqa: S101 - `asker` hands it in
    return city


class Asker:
    """Reads the question from a request's address; a FastAPI dependency.

    Raises `RequestValidationError` (422) naming every parameter that is wrong, unknown, or given twice.
    """

    def __init__(self, city: City) -> None:
        self._city = city

    async def __call__(self, request: Request) -> Question:
        """Read and check."""
        given = request.query_params.multi_items()
        twice = {name for name, _ in given if len(request.query_params.getlist(name)) > 1}
        faults: list[Any] = [
            {"type": "twice", "loc": ("query", name), "msg": "is given more than once"} for name in sorted(twice)
        ]
        try:
            question = Question.model_validate(
                {name: value for name, value in given if name not in twice}, context={"city": self._city}
            )
        except ValidationError as error:
            faults += [_located(fault) for fault in error.errors(include_url=False, include_context=False, include_input=False)]
            raise RequestValidationError(faults) from error
        if faults:
            raise RequestValidationError(faults)
        return question


def _located(fault: Mapping[str, Any]) -> dict[str, Any]:
    """Point to the parameter by its name in the address; a fault of the whole is the period's."""
    return {**fault, "loc": ("query", *(fault["loc"] or ("to",)))}


def parameters() -> list[dict[str, Any]]:
    """Describe the parameters for OpenAPI (the dependency reads the address itself)."""
    schema = Question.model_json_schema(by_alias=True)
    described = []
    for name, value in schema["properties"].items():
        rest = {key: part for key, part in value.items() if key not in {"description", "title"}}
        described.append({"name": name, "in": "query", "required": False, "description": value["description"], "schema": rest})
    return described
