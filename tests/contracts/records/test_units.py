"""Read and write units: the same on SQLite and on PostgreSQL."""

from gops.accounts.model import Organisation
from gops.records.database import Database


def test_a_write_unit_commits(either_database: Database) -> None:
    with either_database.write() as session:
        session.add(Organisation(slug="suwon", kind="municipality", name_ko="수원", name_en="Suwon", created_at=0))
    with either_database.read() as session:
        assert session.query(Organisation).count() == 1
