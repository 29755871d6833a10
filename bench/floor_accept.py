"""The plain floor of accepting: the same framework, one INSERT, nothing else. `python -m bench.floor_accept PORT DSN`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel


class Location(BaseModel):
    lat: float
    lon: float


class Reporter(BaseModel):
    name: str | None = None
    phone: str | None = None
    email: str | None = None


class Complaint(BaseModel):
    client_request_id: str
    description: str
    category: str | None = None
    location: Location | None = None
    reporter: Reporter | None = None


INSERT = (
    "INSERT INTO floor_complaints (id, client_request_id, description, category, lat, lon, reporter) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)"
)
TABLE = (
    "CREATE TABLE IF NOT EXISTS floor_complaints "
    "(id uuid PRIMARY KEY, client_request_id text UNIQUE, description text, category text, lat float8, lon float8, reporter text)"
)


def build(dsn: str) -> FastAPI:
    pools: list[asyncpg.Pool] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(dsn, min_size=10, max_size=10) as pool:
            await pool.execute(TABLE)
            pools.append(pool)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/complaints")
    async def accept(request: Request) -> Response:
        complaint = Complaint.model_validate_json(await request.body())
        made = uuid4()
        place = complaint.location
        await pools[0].execute(
            INSERT,
            made,
            complaint.client_request_id,
            complaint.description,
            complaint.category,
            place.lat if place else None,
            place.lon if place else None,
            complaint.reporter.model_dump_json() if complaint.reporter else None,
        )
        return Response(b'{"id":"%s"}' % str(made).encode(), status_code=201, media_type="application/json")

    return app


if __name__ == "__main__":
    uvicorn.run(
        build(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
