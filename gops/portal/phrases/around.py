"""What several pages say: the way around, commands to copy, completions, and what is wrong with what was asked."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, tuple[str, str]] = {
    "copy": ("복사", "Copy"),
    "copied": ("복사했습니다", "Copied"),
    "copy_failed": ("복사하지 못했습니다", "Not copied"),
    "completions": ("검색어 제안", "Suggestions"),
    "completions_count": (
        "제안 {count}건. 위아래 화살표로 고릅니다.",
        "{count} suggestions. Choose with the arrow keys.",
    ),
    "servers": ("서버", "Server"),
    "testbed_parts": ("실증 공간 메뉴", "Parts of the testbed"),
    "calls": ("공모", "Calls"),
    "first_page": ("처음부터", "From the start"),
    # what is wrong with what was asked
    "wrong_dropped": (
        "아래 조건은 쓸 수 없어 빼고 보여 드립니다.",
        "These conditions cannot be used. What is shown leaves them out.",
    ),
    "wrong_row": ("입력: {found}", "given: {found}"),
    "wrong_expected": ("쓸 수 있는 값: {expected}", "expected: {expected}"),
    "wrong_list": ("목록의 위치", "Place in the list"),
    "expected_after": ("목록의 ‘다음’이 가리키는 값", "as the link to the next page has it"),
    "expected_sort": ("관련도, 최근 수정, 제목", "relevance, newest, title"),
    "expected_bbox": ("서,남,동,북의 경위도: 126.9,37.2,127.1,37.4", "west,south,east,north: 126.9,37.2,127.1,37.4"),
    "expected_from": ("날짜: 2026-03-01", "a date: 2026-03-01"),
    "expected_to": ("시작일보다 늦은 날짜: 2026-03-31", "a date after the first: 2026-03-31"),
    "expected_q": ("{most}자 이하", "up to {most} characters"),
    "expected_place": ("경기도의 시군: 수원, suwon", "a municipality of Gyeonggi: suwon"),
    "expected_organisation": ("목록에 있는 지방자치단체", "a municipality of the list"),
    "expected_supercluster": ("목록에 있는 슈퍼클러스터의 번호", "the id of a supercluster of the list"),
    "expected_area_m2": ("1 이상의 정수", "a whole number above 0"),
    "expected_power_w": ("1 이상의 정수", "a whole number above 0"),
    "expected_weeks": ("1 이상의 정수", "a whole number above 0"),
    "expected_first_start": ("월요일의 날짜: 2026-12-07", "the date of a Monday: 2026-12-07"),
    "expected_last_start": (
        "가장 이른 시작 주보다 늦은 월요일: 2026-12-07",
        "a Monday not before the earliest start: 2026-12-07",
    ),
}
