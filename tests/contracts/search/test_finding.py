"""What the search finds, and in which order: the same on both engines, over a catalog of all of Gyeonggi."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from gops.accounts.model import Organisation
from gops.catalog.datasets import new_draft
from gops.catalog.model import Dataset
from gops.catalog.search.model import SearchEntry
from gops.catalog.search.service import Asked, Search
from gops.catalog.states import DEPRECATED, DRAFT, PUBLISHED, WITHDRAWN
from gops.errors import GopsError
from gops.records.database import Database
from tests.contracts.search.corpus import EXTRA, TOPICS, fill

EXPECTED = """
수원 미세먼지            | suwon-air
수원시 대기질            | suwon-air
suwon air quality        | suwon-air
Suwon-si air             | suwon-air
수원시의 PM2.5           | suwon-air
수원 ＰＭ１０            | suwon-air
미세먼지                 | gyeonggi-smog gyeonggi-dust-school
초미세먼지               | gyeonggi-dust-school
PM2.5 교실               | gyeonggi-dust-school
fine dust Anyang         | anyang-air
화성 오존                | hwaseong-air
양주 주차장              | yangju-parking
남양주 주차장            | namyangju-parking
양주시 예산              | yangju-budget
Yangju libraries         | yangju-library
상수원                   | gyeonggi-tap-water
수돗물                   | gyeonggi-tap-water
물                       | gyeonggi-tap-water
고양이                   | gyeonggi-cats
고양 도서관              | goyang-library
광주 도서관              | gwangju-library
파주시 버스정류장        | paju-bus
파주버스정류소           | paju-bus
bus stops paju           | paju-bus
평택 마을버스            | pyeongtaek-bus
성남시의 예산            | seongnam-budget
세출예산 안산            | ansan-budget
이천 재정                | icheon-budget
ㅅㅇㅅ ㄷㅅㄱ            | suwon-library
ㄱㅊ ㅎㅊ                | gwacheon-river
용인 소음 데이터         | yongin-noise
의정부 데시벨            | uijeongbu-noise
river level gimpo        | gimpo-river
하천 수위 김포           | gimpo-river
연천군 홍수              | yeoncheon-river
가평 강수량              | gapyeong-river
전기차 충전소            | gyeonggi-charging
EV charging stations     | gyeonggi-charging
경기도 태양광            | gyeonggi-solar
신재생에너지             | gyeonggi-solar
보안등                   | gyeonggi-crime-light
가로등 street light      | gyeonggi-crime-light
parking in Hanam         | hanam-parking
car park hanam           | hanam-parking
이천 책                  | icheon-library
경기도수원시도서관       | suwon-library
오산시청 도서관          | osan-library
미새먼지                 | gyeonggi-smog
"""
"""A query, and the datasets that come first."""
MEANT = {"미새먼지": "미세먼지", "수원 도서간": "수원 도서관", "libary suwon": "library suwon"}


@pytest.fixture
def search(either_database: Database) -> Search:
    with either_database.write() as session:
        fill(session)
    return Search(either_database)


def slugs(search: Search, q: str, **asked: object) -> list[str]:
    return [hit.dataset.slug for hit in search.find(Asked(q=q, **asked)).hits]  # type: ignore[arg-type]


def test_what_comes_first_is_what_was_meant(search: Search) -> None:
    """Title before keywords, keywords before description; 양주 is not 남양주, 상수원 not 수원, 고양이 not 고양."""
    wrong = []
    for line in EXPECTED.strip().splitlines():
        q, _, first = line.partition("|")
        found = slugs(search, q.strip(), limit=5)[: len(first.split())]
        if found != first.split():
            wrong.append((q.strip(), found))
    assert wrong == []
    assert {q: search.find(Asked(q=q)).did_you_mean for q in MEANT} == MEANT
    assert search.suggest("ㅅㅇ", 3)[0].text == "수원시"
    assert search.suggest("수원시 대", 3)[0].slug == "suwon-air"
    assert [one.text for one in search.suggest("미세머", 1)] == ["미세먼지"]
    facets = {facet.name: facet for facet in search.find(Asked(q="도서관", filters={"place": ["suwon"]})).facets}
    assert [(one.value, one.count) for one in facets["publisher"].values] == [("suwon", 1)]
    assert len(facets["place"].values) == 31, "a facet is not narrowed by its own filter"
    page, after, seen = search.find(Asked(q="예산", limit=10)), "", []
    while page.next:
        seen += [hit.dataset.slug for hit in page.hits]
        after = page.next
        page = search.find(Asked(q="예산", limit=10, after=after))
    assert len({*seen, *(hit.dataset.slug for hit in page.hits)}) == page.total == 31
    nothing = search.find(Asked())
    assert (nothing.total, nothing.matched) == (31 * len(TOPICS) + len(EXTRA), "all")


SIGNS = ('"', "*", "(((", "\\", "%", "_", "- -", "'';--")
HOSTILE = ("a AND", "NEAR(b c)", "tokens:x", "'; DROP TABLE search_text; --", 'x" OR "y', "x*", "t미세")


def test_an_entry_lives_and_dies_with_its_dataset(either_database: Database) -> None:
    """It is written in the dataset's own transaction: one that fails leaves no trace, of either."""
    search = Search(either_database)
    with either_database.write() as session:
        owner = Organisation(slug="suwon", kind="municipality", name_ko="수원시", name_en="Suwon", created_at=1)
        session.add(owner)
        session.flush()
        made = new_draft(1, owner.id, "air", title_ko="대기질 측정", title_en="Air", keywords=[])
        session.add(made)
    assert slugs(search, "대기질") == []

    def change(**words: object) -> None:
        with either_database.write() as session:
            row = session.get_one(Dataset, made.id)
            for name, value in words.items():
                setattr(row, name, value)
            if words.get("title_ko") == "":
                raise GopsError("no")

    change(state=PUBLISHED, published_at=2)
    assert slugs(search, "대기질") == ["air"]
    with pytest.raises(GopsError):
        change(title_ko="")
    assert slugs(search, "대기질") == ["air"]
    change(title_ko="소음 측정")
    assert (slugs(search, "대기질 측정"), slugs(search, "소음")) == (["air"], ["air"]), "loosely by 측정"
    assert search.find(Asked(q="대기질 측정")).matched == "some"
    change(state=DEPRECATED)
    assert search.find(Asked(q="소음")).hits[0].facts["state"] == DEPRECATED
    assert [slugs(search, q) for q in SIGNS] == [["air"]] * len(SIGNS), "nothing is asked for in words"
    assert [slugs(search, q) for q in HOSTILE] == [[]] * len(HOSTILE)
    for state in (DRAFT, WITHDRAWN):
        change(state=PUBLISHED)
        assert slugs(search, "소음") == ["air"]
        change(state=state)
        assert slugs(search, "소음") == []
        assert search.find(Asked()).total == 0


def test_the_index_is_made_where_it_is_missing_or_was_made_by_other_rules(either_database: Database) -> None:
    with either_database.write() as session:
        ids = fill(session, homes=1)
    search = Search(either_database)
    assert search.refresh() == 0, "nothing is wrong"
    with either_database.write() as session:
        session.execute(update(SearchEntry).values(digest="by other rules"))
    assert search.refresh() == len(ids)
    with either_database.write() as session:
        session.execute(delete(SearchEntry).where(SearchEntry.dataset_id == ids["suwon-library"]))
    assert (search.refresh(), search.refresh()) == (1, 0)
    assert search.refresh(everything=True) == len(ids)
    assert slugs(search, "수원 도서관") == ["suwon-library"]
