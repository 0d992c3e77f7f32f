"""Read and write units: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import bindparam, delete, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from gops.accounts.model import Membership, Organisation
from gops.errors import Conflict, Unavailable
from gops.records.database import Database, flush_unique
from tests.contracts.records import scratch


def organisation(slug: str) -> Organisation:
    return Organisation(slug=slug, kind="municipality", name_ko="수원시", name_en="Suwon", created_at=0)


def slugs(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Organisation.slug).order_by(Organisation.id)))


@pytest.fixture
def impatient(either_database: Database) -> Iterator[Database]:
    """A second way into the same records that waits for a lock a fifth of a second."""
    url = either_database.engine.url.render_as_string(hide_password=False)
    opened = Database(url, wait_seconds=0.2, connections=2)
    yield opened
    opened.close()


def test_a_write_unit_commits_at_its_end(either_database: Database) -> None:
    with either_database.write() as session:
        session.add(organisation("suwon"))
    assert slugs(either_database) == ["suwon"]


def test_an_exception_undoes_the_whole_unit_and_is_passed_on(either_database: Database) -> None:
    def fail() -> None:
        with either_database.write() as session:
            session.add(organisation("suwon"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert slugs(either_database) == []


def test_after_a_failed_unit_the_next_one_works(either_database: Database) -> None:
    with pytest.raises(ZeroDivisionError), either_database.write():
        _ = 1 / 0
    with either_database.write() as session:
        session.add(organisation("suwon"))
    assert slugs(either_database) == ["suwon"]


def test_rows_stay_readable_after_their_unit(either_database: Database) -> None:
    with either_database.write() as session:
        made = organisation("suwon")
        session.add(made)
    assert (made.id, made.slug) == (1, "suwon")
    with either_database.read() as session:
        found = session.scalars(select(Organisation)).one()
    assert found.name_ko == "수원시"


def test_a_read_unit_cannot_write(either_database: Database) -> None:
    with pytest.raises(DBAPIError), either_database.read() as session:
        session.execute(delete(Organisation))


def test_writing_still_works_after_reading_on_the_same_connections(either_database: Database) -> None:
    """What keeps a reader from writing must not stick to a connection that goes back into the pool."""
    for number in range(30):
        with either_database.read() as session:
            session.execute(text("SELECT 1"))
        with either_database.write() as session:
            session.add(organisation(f"org-{number}"))
    assert len(slugs(either_database)) == 30


def test_a_read_unit_sees_one_state_from_its_first_statement_to_its_end(either_database: Database) -> None:
    with either_database.read() as reader:
        assert reader.scalars(select(Organisation.slug)).all() == []
        with either_database.write() as session:
            session.add(organisation("suwon"))
        assert reader.scalars(select(Organisation.slug)).all() == []
    assert slugs(either_database) == ["suwon"]


def test_a_long_reader_does_not_hold_writers_up(either_database: Database) -> None:
    with either_database.read() as reader:
        reader.execute(select(Organisation))
        for number in range(5):
            with either_database.write() as session:
                session.add(organisation(f"org-{number}"))
    assert len(slugs(either_database)) == 5


def test_a_writer_does_not_hold_readers_up(either_database: Database) -> None:
    with either_database.write() as session:
        session.add(organisation("suwon"))
        session.flush()
        assert slugs(either_database) == []


def test_an_id_is_never_given_twice(either_database: Database) -> None:
    """Not even that of the last row, after it was deleted (SQLite's plain rowids would be)."""
    seen = []
    for _ in range(3):
        with either_database.write() as session:
            made = organisation("suwon")
            session.add(made)
        seen.append(made.id)
        with either_database.write() as session:
            session.execute(delete(Organisation))
    assert seen == sorted(set(seen))
    assert len(seen) == 3


def test_a_reference_to_nothing_is_refused(either_database: Database) -> None:
    with pytest.raises(IntegrityError), either_database.write() as session:
        session.add(Membership(person_id=404, organisation_id=404, role="owner"))


def test_a_lock_that_does_not_come_is_unavailable_and_names_the_setting(
    either_database: Database, impatient: Database
) -> None:
    scratch.prepare(either_database)
    with either_database.write() as session:
        session.scalars(scratch.guarded()).one()
        with pytest.raises(Unavailable) as raised, impatient.write() as other:
            other.scalars(scratch.guarded()).one()
    assert raised.value.expected == "GOPS_RECORDS_WAIT_SECONDS"
    assert "lock" not in raised.value.message, "the driver's words are not shown"


def test_a_connection_that_does_not_come_is_unavailable_and_names_the_setting(impatient: Database) -> None:
    with impatient.read() as one, impatient.read() as two:
        one.execute(text("SELECT 1"))
        two.execute(text("SELECT 1"))
        with pytest.raises(Unavailable) as raised, impatient.read() as three:
            three.execute(text("SELECT 1"))
    assert raised.value.expected == "GOPS_RECORDS_CONNECTIONS"


def test_a_write_unit_inside_a_write_unit_is_a_mistake_that_is_told_at_once(either_database: Database) -> None:
    with either_database.write(), pytest.raises(RuntimeError, match="inside"), either_database.write():
        pass
    with either_database.write() as session:
        session.add(organisation("suwon"))


def test_a_duplicate_becomes_the_conflict_of_who_wrote_it(either_database: Database) -> None:
    with either_database.write() as session:
        session.add(organisation("suwon"))
    with either_database.write() as session:
        session.add(organisation("suwon"))
        with pytest.raises(Conflict, match="taken"):
            flush_unique(session, Conflict("taken"))
        session.rollback()


def test_a_breach_that_is_no_duplicate_is_not_called_one(either_database: Database) -> None:
    with either_database.write() as session:
        session.add(Membership(person_id=404, organisation_id=404, role="owner"))
        with pytest.raises(IntegrityError):
            flush_unique(session, Conflict("taken"))
        session.rollback()


def test_a_mistake_in_a_statement_is_not_taken_for_a_database_that_is_down(either_database: Database) -> None:
    with pytest.raises(DBAPIError), either_database.read() as session:
        session.execute(text("SELECT * FROM no_such_table"))


def test_a_healthy_database_passes_the_check(either_database: Database) -> None:
    either_database.check()


@pytest.mark.parametrize("size", [2**53 + 1, 2**63 - 1])
def test_integers_of_64_bits_are_kept_whole(either_database: Database, size: int) -> None:
    with either_database.write() as session:
        made = organisation("suwon")
        made.created_at = size
        session.add(made)
    with either_database.read() as session:
        assert session.scalar(select(Organisation.created_at)) == size


def test_units_together_are_committed_together(either_database: Database) -> None:
    with either_database.together():
        for slug in ("suwon", "osan"):
            with either_database.write() as session:
                session.add(organisation(slug))
        assert slugs(either_database) == ["suwon", "osan"]  # its own units see what it has so far
    assert slugs(either_database) == ["suwon", "osan"]


def test_an_exception_undoes_all_units_together(either_database: Database) -> None:
    def fail() -> None:
        with either_database.together():
            with either_database.write() as session:
                session.add(organisation("suwon"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert slugs(either_database) == []
    with either_database.write() as session:
        session.add(organisation("osan"))
    assert slugs(either_database) == ["osan"]


def test_a_unit_that_fails_among_others_takes_back_its_own_changes_alone(either_database: Database) -> None:
    with either_database.together():
        for slug in ("suwon", "suwon", "osan"):
            with contextlib.suppress(Conflict), either_database.write() as session:
                session.add(organisation(slug))
                flush_unique(session, Conflict("taken"))
    assert slugs(either_database) == ["suwon", "osan"]


def test_other_threads_do_not_join_in(either_database: Database) -> None:
    seen: list[list[str]] = []
    with either_database.together():
        with either_database.write() as session:
            session.add(organisation("suwon"))
        other = threading.Thread(target=lambda: seen.append(slugs(either_database)))
        other.start()
        other.join()
    assert seen == [[]]


def test_rows_of_one_statement_are_seen_as_in_a_unit(either_database: Database) -> None:
    """Also within units together, which see what they have so far."""
    query = select(Organisation.slug).where(Organisation.slug == bindparam("slug"))
    with either_database.together():
        with either_database.write() as session:
            session.add(organisation("suwon"))
        assert [row.slug for row in either_database.rows(query, {"slug": "suwon"})] == ["suwon"]
    assert [row.slug for row in either_database.rows(query, {"slug": "suwon"})] == ["suwon"]
    assert either_database.rows(query, {"slug": "osan"}) == []
