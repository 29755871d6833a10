"""The notifier's SQL, loaded once."""

from pathlib import Path

from tanggap.platform.database import load_queries

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))
