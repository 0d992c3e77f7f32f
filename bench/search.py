"""The search over 10,000 and (--full) 100,000 Korean datasets in one records file on SQLite: words, filters, all seven
facets, a page of 20, as the API calls it; suggestions; and what it costs to index. The same with the records in
PostgreSQL, where it is installed.

Peers, of the same rows: FTS5 with its own trigrams, bm25, and five facets by SQL, in this process; Datasette with the
same index and facets, over HTTP, where it is installed. Trigrams find nothing for two syllables (수원), so they are
asked only for words that they can find; Datasette ranks nothing, and counts exactly.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import insert

from bench import _datasette
from gops.accounts.model import Organisation
from gops.catalog.licences import LICENCES
from gops.catalog.model import Dataset
from gops.catalog.search.service import Asked, Search
from gops.catalog.vocabularies import THEMES
from gops.demo.province import MUNICIPALITIES
from gops.records import migrate
from gops.records.database import Database
from tests.postgresql import Cluster, NotInstalled

BARS_MS = {10_000: 15.0, 100_000: 60.0}
QUERIES = 400
SEED = 20260501
TOPICS = """
대기질 측정값|미세먼지,PM10|Air quality
초미세먼지 예보|초미세먼지,PM2.5|PM2.5 forecast
도로변 소음도|소음|Roadside noise
공영주차장 현황|주차,주차면|Public car parks
버스 정류소 위치|정류장,대중교통|Bus stops
하천 수위|홍수,수위|River water levels
공공도서관 목록|도서관|Public libraries
세출예산|예산,재정|Budget
보안등 설치 현황|보안등,안전|Security lights
전기차 충전소|충전기|EV charging stations
어린이보호구역|안전,학교|School zones
공원 시설물|공원|Park facilities
생활폐기물 배출량|쓰레기|Waste
인구 통계|인구|Population
음식점 위생등급|음식점,위생|Restaurants
가로수 현황|나무|Street trees
상수도 수질검사|수돗물,수질|Water quality
문화행사 일정|행사,축제|Events
무료급식소|복지|Free meals
자전거도로 노선|자전거|Cycle paths
""".strip().splitlines()
"""Title, keywords, English title."""
DISTRICTS = "장안 권선 팔달 영통 분당 중원 수정 일산 덕양 만안 동안 상록 단원 처인"
MANNERS = ("월별", "연도별", "동별", "시간별", "최근 5년", "실시간", "기준", "상세", "요약", "변경 이력")
YEARS = range(2015, 2027)


def populate(database: Database, count: int) -> None:
    """Straight into the tables, published."""
    by_chance = random.Random(SEED)
    with database.write() as session:
        homes = []
        for one in MUNICIPALITIES:
            home = Organisation(
                slug=one.slug, kind="municipality", name_ko=one.name_ko, name_en=one.name_en, created_at=1
            )
            session.add(home)
            session.flush()
            homes.append((home.id, one))
        for first in range(0, count, 5000):
            rows = [
                _row(by_chance, number, *by_chance.choice(homes)) for number in range(first, min(count, first + 5000))
            ]
            session.execute(insert(Dataset), rows)


def _row(by_chance: random.Random, number: int, owner: int, home: object) -> dict[str, object]:
    title, keywords, english = by_chance.choice(TOPICS).split("|")
    district, manner, year = by_chance.choice(DISTRICTS.split()), by_chance.choice(MANNERS), by_chance.choice(YEARS)
    ko = f"{home.name_ko} {district}구 {title} {manner} {year}"  # type: ignore[attr-defined]
    en = f"{english} of {home.name_en}, {year}"  # type: ignore[attr-defined]
    return {
        "organisation_id": owner, "slug": f"d-{number}", "state": "published", "kind": "live", "follow": False,
        "revision": 1, "title_ko": ko, "title_en": en,
        "description_ko": f"{district}구에서 모은 {title} 자료이며 {manner}로 제공합니다. 확인한 뒤 공개합니다.",
        "description_en": f"{en}. Checked before it is published.",
        "licence": by_chance.choice(list(LICENCES)), "theme": by_chance.choice(list(THEMES)),
        "keywords": [*keywords.split(","), district],
        "created_at": number, "modified_at": number, "published_at": number,
    }  # fmt: skip


def questions(count: int) -> list[Asked]:
    """Of a place and a topic, of one of them, in English, by initial consonants, mistyped, narrowed, and of all."""
    by_chance = random.Random(SEED + 1)
    found = []
    for _ in range(count):
        home = by_chance.choice(MUNICIPALITIES)
        title, keywords, english = by_chance.choice(TOPICS).split("|")
        word = by_chance.choice(keywords.split(","))
        q = by_chance.choice(
            (f"{home.name_ko} {word}", f"{home.name_ko[:-1]} {title}", word, title, home.name_ko,
             f"{english} {home.name_en}",
             f"{by_chance.choice(DISTRICTS.split())}구 {word}", f"{word} {by_chance.choice(YEARS)}",
             "")
        )  # fmt: skip
        filters: dict[str, Sequence[str]] = {}
        if by_chance.random() < 0.4:
            filters = {"theme": (by_chance.choice(list(THEMES)),)}
        if by_chance.random() < 0.2:
            filters = {**filters, "licence": tuple(by_chance.sample(list(LICENCES), 2))}
        found.append(Asked(q=q, filters=filters, sort="relevance" if by_chance.random() < 0.8 else "modified"))
    return found


FACETS = ("theme", "licence", "organisation_id", "kind", "state")


class Trigrams:
    """A peer: FTS5 cuts into trigrams and ranks by bm25; facets are five questions of SQL over what it finds."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        run = self._connection.execute
        run("CREATE VIRTUAL TABLE peer USING fts5(title, keywords, description, content='', tokenize='trigram')")
        run(
            "INSERT INTO peer (rowid, title, keywords, description) SELECT id, title_ko || ' ' || title_en, keywords, "
            "description_ko || ' ' || description_en FROM dataset"
        )
        self._connection.commit()

    def find(self, asked: Asked) -> None:
        words = " AND ".join(f'"{word}"' for word in asked.q.split())
        run = self._connection.execute
        run(
            "CREATE TEMP TABLE hit AS SELECT rowid AS id, bm25(peer, 9, 3, 1) AS points FROM peer WHERE peer MATCH ?",
            [words],
        )
        for name in FACETS:
            run(f"SELECT {name}, count(*) FROM hit JOIN dataset USING (id) GROUP BY 1").fetchall()
        run("SELECT * FROM hit JOIN dataset USING (id) ORDER BY points LIMIT 20").fetchall()
        run("DROP TABLE hit")

    def can(self, asked: Asked) -> bool:
        return bool(asked.q) and all(len(word) > 2 for word in asked.q.split()) and not any(asked.filters.values())


def datasette_file(records: Path, target: Path) -> None:
    """The same rows, an index of each facet's column, and the same trigrams, which Datasette finds by their table."""
    with closing(sqlite3.connect(target)) as made:
        made.execute("ATTACH ? AS r", [str(records)])
        made.execute("CREATE TABLE dataset (id INTEGER PRIMARY KEY, title TEXT, keywords TEXT, description TEXT, "
                     + ", ".join(f"{name} TEXT" for name in FACETS) + ")")  # fmt: skip
        made.execute("INSERT INTO dataset SELECT id, title_ko || ' ' || title_en, keywords, description_ko || ' ' || "
                     f"description_en, {', '.join(FACETS)} FROM r.dataset")  # fmt: skip
        for name in FACETS:
            made.execute(f"CREATE INDEX by_{name} ON dataset ({name})")
        made.execute("CREATE VIRTUAL TABLE dataset_fts USING fts5(title, keywords, description, content='dataset', "
                     "content_rowid='id', tokenize='trigram')")  # fmt: skip
        made.execute("INSERT INTO dataset_fts (dataset_fts) VALUES ('rebuild')")
        made.commit()


def datasette(records: Path, asked: Sequence[Asked]) -> None:
    target = records.with_name("peer.db")
    facets = "".join(f"&_facet={name}" for name in FACETS)
    try:
        name = f"the same by Datasette {_datasette.version()} over HTTP"
        datasette_file(records, target)
        with _datasette.served(target) as server:
            paths = [f"/peer/dataset.json?_search={quote(one.q)}&_size=20{facets}" for one in asked]
            server.ask("GET", paths[0])
            say(name, [timed(lambda path=path: server.ask("GET", path)) for path in paths])  # type: ignore[misc]
    except NotInstalled as reason:
        print(f"  no peer: {reason}")


def postgresql(count: int, asked: Sequence[Asked], expected: Sequence[int]) -> None:
    """The same search over records in a server of its own; it finds the same."""
    try:
        cluster = Cluster.start()
    except NotInstalled as reason:
        print(f"  no second engine: {reason}")
        return
    try:
        database = Database(cluster.create_database())
        migrate.upgrade(database)
        populate(database, count)
        search = Search(database)
        search.refresh()
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        assert [search.find(one).total for one in asked] == list(expected), "PostgreSQL finds others"
        say(f"by PostgreSQL {cluster.version()}", [timed(lambda one=one: search.find(one)) for one in asked])  # type: ignore[misc]
        database.close()
    finally:
        cluster.stop()


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


def say(what: str, spent: Sequence[float]) -> float:
    p95 = statistics.quantiles(spent, n=20)[-1]
    print(f"  {what:44} p50 {statistics.median(spent):8.2f}   p95 {p95:8.2f}   longest {max(spent):8.2f} ms")
    return p95


def measure(count: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.sqlite"
        database = Database(f"sqlite:///{path}")
        migrate.upgrade(database)
        populate(database, count)
        before = path.stat().st_size
        search = Search(database)
        begun = time.perf_counter()
        assert search.refresh() == count
        indexing = time.perf_counter() - begun
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        size = (path.stat().st_size - before) / count
        each = f"{indexing / count * 1000:.2f} ms and {size:,.0f} bytes each"
        print(f"\n{count:,} datasets: indexed in {indexing:.1f} s, {each}")
        print(
            f"  {'a search that loads the columns first':44} {timed(lambda: Search(database).find(Asked())):12.1f} ms"
        )
        asked = questions(QUERIES)
        hits = [search.find(one).total for one in asked]
        none = hits.count(0)
        print(f"  {'hits of a query':44} p50 {statistics.median(hits):8,.0f}   most {max(hits):,}, none {none} times")
        p95 = say("search with all facets", [timed(lambda one=one: search.find(one)) for one in asked])  # type: ignore[misc]
        beginnings = ["수", "수원", "ㅅㅇ", "미세머", "suw", "도서", "하천 수"] * 5
        say("suggestions", [timed(lambda one=one: search.suggest(one, 8)) for one in beginnings])  # type: ignore[misc]
        wrong = ["미새먼지", "수원 도서간", "libary suwon", "공영주챠장"] * 5
        say("mistyped, with what was meant", [timed(lambda one=one: search.find(Asked(q=one))) for one in wrong])  # type: ignore[misc]
        say(
            "one dataset changed, and the search after it",
            [_change(database, search, number) for number in range(1, 21)],
        )
        peer = Trigrams(path)
        able = [one for one in asked if peer.can(one)]
        say(f"{len(able)} of these by GOPS", [timed(lambda one=one: search.find(one)) for one in able])  # type: ignore[misc]
        say("the same by FTS5 trigrams and SQL", [timed(lambda one=one: peer.find(one)) for one in able])  # type: ignore[misc]
        database.close()
        datasette(path, able)
        postgresql(count, asked, hits)
    met = p95 <= BARS_MS[count]
    print(f"  {'met' if met else 'MISSED'}: p95 {p95:.1f} ms, bar {BARS_MS[count]:g} ms")
    return met


def _change(database: Database, search: Search, number: int) -> float:
    def act() -> None:
        with database.write() as session:
            session.get_one(Dataset, number).title_en = f"changed {number}"
        search.find(Asked(q="changed"))

    return timed(act)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--full", action="store_true", help="100,000 datasets as well")
    counts = (10_000, 100_000) if parser.parse_args().full else (10_000,)
    met = [measure(count) for count in counts]
    return 0 if all(met) else 3


if __name__ == "__main__":
    sys.exit(main())
