"""The figures over HTTP: JSON for programs, CSV for spreadsheets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.metrics import figures, spreadsheet
from services.metrics.asking import Asker, Question, parameters
from services.metrics.figures import DEFINITIONS, QUERIES, Figures, Group, GroupBy, Table
from tanggap.contracts.city import City
from tanggap.platform.database import Database
from tanggap.platform.http import ProblemDetails

FIGURE_NAMES = tuple(DEFINITIONS)
"""The figures' names, in the order in which people and files show them."""


def _said(name: str) -> Any:
    return Field(description=DEFINITIONS[name].en)


class FigureValues(BaseModel):
    """The figures of one group of complaints. Times in seconds."""

    received: int = _said("received")
    answered: int = _said("answered")
    response_rate: float | None = _said("response_rate")
    first_response_p50: float | None = _said("first_response_p50")
    first_response_p90: float | None = _said("first_response_p90")
    open: int = _said("open")
    overdue: int = _said("overdue")
    triage: int = _said("triage")
    resolved: int = _said("resolved")
    rejected: int = _said("rejected")
    merged: int = _said("merged")
    breaches: int = _said("breaches")


class GroupValues(FigureValues):
    """The figures of one unit, kota or category; both null for complaints that have none yet."""

    code: str | None
    name: str | None


class FiguresAnswer(BaseModel):
    """The figures asked for, counted from the complaints' rows."""

    as_of: datetime | None = Field(description="Moment up to which the log is folded; null while that is not known.")
    group_by: GroupBy
    total: FigureValues
    groups: list[GroupValues] = Field(description="Sorted by code; empty where `group_by` is `all`.")


class Names:
    """What people call a unit, a kota or a category of this city."""

    def __init__(self, city: City) -> None:
        self._units = {code: unit.name for code, unit in city.units.items()}
        self._categories = {slug: category.label_id for slug, category in city.categories.items()}

    def of(self, group_by: GroupBy, group: Group) -> str | None:
        """Give the name; of a unit that the city no longer has, the name by which it is known from the log."""
        if group.code is None:
            return None
        names = self._categories if group_by == "category" else self._units
        return names.get(group.code, group.name or group.code)


def values(found: Figures) -> dict[str, Any]:
    """Give the figures by name; times to the millisecond, rates to a hundredth of a percent."""
    return {name: _rounded(name, getattr(found, name)) for name in FIGURE_NAMES}


def _rounded(name: str, value: float | None) -> float | None:
    if not isinstance(value, float):
        return value
    return round(value, 4 if name == "response_rate" else 3)


def ordered(table: Table) -> list[Group]:
    """Sort the groups by code, those without one last."""
    return sorted(table.groups, key=lambda group: (group.code is None, group.code or ""))


def router(database: Database, city: City) -> APIRouter:
    """Make the routes below `/v1`."""
    routes = APIRouter(prefix="/v1", tags=["figures"])
    names = Names(city)
    ask = Asker(city)
    documented: Mapping[str, Any] = {
        "openapi_extra": {"parameters": parameters()},
        "responses": {422: {"model": ProblemDetails, "content": {"application/problem+json": {}}}},
    }

    @routes.get("/figures", summary="Figures of the complaints received in a period", **documented)
    async def get_figures(question: Annotated[Question, Depends(ask)]) -> FiguresAnswer:
        async with database.connection() as connection:
            table = await figures.read(connection, question.ask())
        groups = [
            GroupValues(code=group.code, name=names.of(question.group_by, group), **values(group.figures))
            for group in ordered(table)
        ]
        total = FigureValues(**values(table.total))
        return FiguresAnswer(as_of=table.as_of, group_by=question.group_by, total=total, groups=groups)

    @routes.get("/figures.csv", summary="The same as a file for a spreadsheet", response_class=Response, **documented)
    async def get_figures_csv(question: Annotated[Question, Depends(ask)]) -> Response:
        async with database.connection() as connection:
            table = await figures.read(connection, question.ask())
        as_of = _iso(table.as_of, city)
        groups = ordered(table) if question.group_by != "all" else [Group("all", city.name, table.total)]
        rows = ([group.code, names.of(question.group_by, group), *values(group.figures).values(), as_of] for group in groups)
        return _file(f"figures-{question.group_by}.csv", spreadsheet.table(["code", "name", *FIGURE_NAMES, "as_of"], rows))

    @routes.get("/overdue.csv", summary="All complaints that are overdue now, the latest first", response_class=Response)
    async def get_overdue_csv() -> Response:
        async with database.connection() as connection:
            as_of = await QUERIES.as_of(connection)
            overdue = [row async for row in QUERIES.overdue(connection, as_of=as_of, most=None)]
        header = ["number", "category", "unit_code", "unit", "stage", "clock", "due_at", "minutes_late", "received_at", "as_of"]
        rows = (
            [
                row["number"],
                row["category"],
                row["unit_code"],
                row["unit_name"],
                row["stage"],
                row["overdue_clock"],
                _iso(row["overdue_from"], city),
                int((as_of - row["overdue_from"]).total_seconds() // 60),
                _iso(row["received_at"], city),
                _iso(as_of, city),
            ]
            for row in overdue
        )
        return _file("overdue.csv", spreadsheet.table(header, rows))

    return routes


def _iso(moment: datetime | None, city: City) -> str | None:
    return moment.astimezone(city.tz).isoformat(timespec="seconds") if moment is not None else None


def _file(name: str, body: bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
