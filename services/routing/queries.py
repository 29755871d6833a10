"""The statements of `queries.sql`, by name."""

from pathlib import Path
from typing import Any

from tanggap.platform.database import load_queries

QUERIES: Any = load_queries(Path(__file__).with_name("queries.sql"))
