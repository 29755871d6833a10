"""The ops board: are we answering, and who is late. What the page shows, worked out before any template sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final, Literal, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.metrics import figures
from services.metrics.figures import BEGINNING, DEFINITIONS, NOTHING, QUERIES, Ask, Figures, Group
from tanggap.contracts.city import City
from tanggap.platform.clock import Now, utc_now
from tanggap.platform.database import Database
from tanggap.platform.pages import Language, Pages

HERE: Final = Path(__file__).parent

PeriodName = Literal["today", "7d", "30d", "all"]
PERIODS: Final[Mapping[PeriodName, int | None]] = {"today": 1, "7d": 7, "30d": 30, "all": None}
"""Local days that a period holds, today included; null for all time."""
DEFAULT_PERIOD: Final[PeriodName] = "7d"

Sort = Literal["overdue", "rate", "median", "received", "name"]
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
DEFAULT_SORT: Final[Sort] = "overdue"

FEW: Final = 5
"""Below so many complaints a rate or a median says nothing about a unit: it is shown, but not ranked."""

ROWS: Final = 10
"""Rows of a list before a link to all of them."""

STALE: Final = timedelta(minutes=2)
"""A log that is folded no further than so long ago is said to lag."""


@dataclass(frozen=True, slots=True)
class View:
    """What the reader chose, as it stands in the address. What an address can't mean is what it would be without it."""

    period: PeriodName = DEFAULT_PERIOD
    sort: Sort = DEFAULT_SORT
    find: str = ""
    everything: bool = False
    lang: Language | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> View:
        """Read the address's parameters."""
        period, sort, lang = parameters.get("period"), parameters.get("sort"), parameters.get("lang")
        return cls(
            period=next((name for name in PERIODS if name == period), DEFAULT_PERIOD),
            sort=next((name for name in SORTS if name == sort), DEFAULT_SORT),
            find=parameters.get("find", "").strip()[:60],
            everything=parameters.get("all") == "1",
            lang=next((name for name in get_args(Language) if name == lang), None),
        )

    def address(self, **changes: Any) -> str:
        """Give the address of this page with `changes`, everything else kept; defaults are left out."""
        chosen: dict[str, Any] = {"period": self.period, "sort": self.sort, "find": self.find, "lang": self.lang}
        chosen |= {"all": "1" if self.everything else None} | changes
        defaults = {"period": DEFAULT_PERIOD, "sort": DEFAULT_SORT}
        kept = {name: value for name, value in chosen.items() if value and value != defaults.get(name)}
        return f"/?{urlencode(kept)}" if kept else "/"

    def begins(self, now: datetime, tz: tzinfo) -> datetime:
        """Give the moment at which the period begins: a midnight in the city."""
        days = PERIODS[self.period]
        if days is None:
            return BEGINNING
        midnight = now.astimezone(tz).replace(hour=0, minute=0, second=0, microsecond=0)
        # On the wall, then as a moment again: a day on which clocks change is a day too.
        return (midnight.replace(tzinfo=None) - timedelta(days=days - 1)).replace(tzinfo=tz)


@dataclass(frozen=True, slots=True)
class Rank:
    """One unit's line in the ranking. `overdue`: now, whenever received; the other figures are the period's."""

    code: str | None
    name: str
    level: str | None
    figures: Figures
    overdue: int

    @property
    def few(self) -> bool:
        """Too few complaints to judge the unit by a rate or a median."""
        return self.figures.received < FEW


def ranking(groups: Iterable[Group], late: Mapping[str | None, int], units: Mapping[str, Any]) -> list[Rank]:
    """Join the period's figures with what is overdue now: a unit that received nothing lately can still be late."""
    found = {group.code: group for group in groups}
    ranks = []
    for code in found.keys() | late.keys():
        group = found.get(code, Group(code, None, NOTHING))
        unit = units.get(code) if code is not None else None
        name = unit.name if unit is not None else group.name or code or ""
        ranks.append(Rank(code, name, unit.level if unit is not None else None, group.figures, late.get(code, 0)))
    return ranks


_KEYS: Final[Mapping[Sort, Callable[[Rank], tuple[Any, ...]]]] = {
    # Who needs help comes first: most overdue, least answered, slowest.
    "overdue": lambda rank: (-rank.overdue, -rank.figures.received),
    "rate": lambda rank: (rank.few, rank.figures.response_rate or 0.0, -rank.figures.received),
    "median": lambda rank: (rank.few or rank.figures.first_response_p50 is None, -(rank.figures.first_response_p50 or 0.0)),
    "received": lambda rank: (-rank.figures.received,),
    "name": lambda _: (),
}


def sorted_ranks(ranks: Iterable[Rank], sort: Sort) -> list[Rank]:
    """Sort the ranking; equals by name. Units with few complaints come last where a rate or a median decides."""
    return sorted(ranks, key=lambda rank: (*_KEYS[sort](rank), rank.name, rank.code or ""))


def router(database: Database, city: City, pages: Pages, *, now: Now = utc_now) -> APIRouter:
    """Make the board's route."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def board(request: Request) -> Response:
        view = View.of(request.query_params)
        present = now()
        begins = view.begins(present, city.tz)
        async with database.connection() as connection:
            table = await figures.read(connection, Ask(group_by="unit", received_from=begins))
            late = QUERIES.overdue_by_unit(connection, as_of=table.as_of)
            late_by_unit = {row["unit_code"]: row["overdue"] async for row in late}
            latest = QUERIES.overdue(connection, as_of=table.as_of, most=None if view.everything else ROWS)
            overdue = [row async for row in latest]
        ranks = ranking(table.groups, late_by_unit, city.units)
        found = [rank for rank in ranks if view.find.casefold() in rank.name.casefold()]
        chosen = sorted_ranks(found, view.sort)
        return pages.page(
            request,
            "board.html",
            view=view,
            city=city,
            total=table.total,
            as_of=table.as_of,
            lag=present - table.as_of if table.as_of is not None and present - table.as_of > STALE else None,
            late=sum(late_by_unit.values()),
            latest=overdue[0] if overdue else None,
            overdue=[_shown(row, city) for row in overdue],
            ranks=chosen if view.everything else chosen[:ROWS],
            units=len(ranks),
            matching=len(chosen),
            csv=f"/v1/figures.csv?{urlencode({'group_by': 'unit', 'from': begins.isoformat()})}",
            few=FEW,
            definitions=DEFINITIONS,
            periods=tuple(PERIODS),
            sorts=SORTS,
        )

    return routes


def _shown(row: Mapping[str, Any], city: City) -> dict[str, Any]:
    category = city.categories.get(row["category"]) if row["category"] is not None else None
    unit = city.units.get(row["unit_code"]) if row["unit_code"] is not None else None
    return {
        "number": row["number"],
        "category": category,
        "unit": unit.name if unit is not None else row["unit_name"],
        "level": unit.level if unit is not None else None,
        "due_at": row["overdue_from"],
        "clock": row["overdue_clock"],
        "stage": row["stage"],
    }


def make_pages(city: City, now: Now = utc_now) -> Pages:
    """Load the board's templates, words and files."""
    return Pages(HERE / "templates", HERE / "texts", static=HERE / "static", tz=city.tz, now=now)


__all__: Sequence[str] = ("Rank", "View", "make_pages", "ranking", "router", "sorted_ranks")
