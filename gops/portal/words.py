"""What the pages say, in Korean and English. A phrase is a pair, so none can be missing in one language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gops.clock import DAY, HOUR, MINUTE, SECOND
from gops.durations import write_duration
from gops.portal.phrases import around, dataset, testbed
from gops.portal.phrases.terms import TERMS

LANGUAGES = ("ko", "en")
_FRAME: Mapping[str, tuple[str, str]] = {
    # the frame
    "site": ("경기 스마트시티 오픈 플랫폼", "Gyeonggi Open Platform for SmartCity"),
    "skip": ("본문 바로가기", "Skip to content"),
    "menu": ("주 메뉴", "Main menu"),
    "live": ("지금", "Live"),
    "api": ("오픈 API", "Open API"),
    "languages": ("언어", "Language"),
    "software": ("공개 소프트웨어 GOPS", "Open-source software GOPS"),
    "licence": ("Apache-2.0 라이선스", "Apache-2.0 licence"),
    "health": ("시스템 상태", "System status"),
    # the landing page
    "title": ("도시의 지금을 누구나 봅니다", "What the city measures, open to all"),
    "lead": (
        "기기가 보낸 측정값을 잃지 않고 모아 공공데이터로 엽니다. 이 페이지의 값은 모두 공개 데이터입니다.",
        "Readings of devices, kept for good and opened as public data. Everything on this page is public.",
    ),
    "datastreams": ("데이터스트림", "Datastreams"),
    "things_count": ("측정 대상 (곳)", "Things measured"),
    "datastreams_count": ("데이터스트림 (개)", "Datastreams"),
    "readings_today": ("오늘 측정값 (건)", "Readings today"),
    "as_of": ("기준 시각", "As of"),
    "now": ("지금 측정되는 값", "What is live now"),
    "nothing": ("아직 공개된 측정값이 없습니다.", "No public readings yet."),
    "nothing_hint": (
        "기기를 등록하고 데이터스트림을 공개하면 여기에 보입니다.",
        "Register a device and publish a Datastream, and it shows here.",
    ),
    "place": ("장소", "Place"),
    "value": ("값", "Value"),
    "day": ("24시간", "24 hours"),
    "measured": ("측정 시각", "Measured"),
    "latest_of": ("최근 측정값", "newest readings"),
    "more_places": ("곳 더 보기 (JSON)", "more places (JSON)"),
    "trend": ("24시간 추이: 최저 {low}, 최고 {high}", "Last 24 hours: lowest {low}, highest {high}"),
    "map": ("측정 위치", "Where it is measured"),
    "map_text": (
        "공개된 측정 대상 {count}곳의 위치입니다. 위쪽이 북쪽이고, 색은 가장 최근 값의 신선도입니다.",
        "Positions of {count} public Things. North is up; colours show how fresh the newest value is.",
    ),
    # quality and freshness
    "good": ("정상", "good"),
    "estimated": ("추정", "estimated"),
    "suspect": ("의심", "suspect"),
    "maintenance": ("점검 중", "maintenance"),
    "communication_failure": ("통신 장애", "communication failure"),
    "missing": ("결측", "missing"),
    "fresh": ("최신", "fresh"),
    "late": ("지연", "late"),
    "silent": ("끊김", "silent"),
    "true": ("예", "yes"),
    "false": ("아니오", "no"),
    # what there is beside it
    "open_data": ("열린 데이터셋", "Open datasets"),
    "by": ("제공", "by"),
    "streams": ("데이터스트림 {count}개", "{count} Datastreams"),
    "download": ("내려받기 (CSV)", "Download (CSV)"),
    "catalog": ("전체 목록 (DCAT)", "The whole catalogue (DCAT)"),
    "testbed": ("실증 공간", "Testbed"),
    "open_call": ("신청을 받는 공모", "Open call"),
    "until": ("마감", "open until"),
    "call_more": ("조건과 신청 방법", "Terms and how to apply"),
    "allocation": ("최근 배정 결과", "The last allocation"),
    "allocation_text": (
        "신청 {applications}건 중 {placed}건이 공간을 받았습니다. 점수와 조건이 공개되어 누구나 검증할 수 있습니다.",
        "Of {applications} applications {placed} got a site. Scores and terms are public: anybody can check it.",
    ),
    "round_file": ("배정 파일", "Round file"),
    "why_not": ("배정되지 않은 까닭", "Why some were not placed"),
    "application": ("신청", "Application"),
    # the search
    "search": ("검색", "Search"),
    "search_title": ("데이터셋 찾기", "Find datasets"),
    "search_words": ("찾을 말", "Words to look for"),
    "search_hint": ("예: 수원 미세먼지, ㅅㅇㅅ, parking Suwon", "For example: air quality Suwon"),
    "search_more": ("기간과 정렬", "Time and order"),
    "search_from": ("측정 시작일", "Readings from"),
    "search_to": ("측정 종료일(제외)", "until before"),
    "search_sort": ("정렬", "Order"),
    "sort_relevance": ("관련도", "Relevance"),
    "sort_modified": ("최근 수정", "Newest"),
    "sort_title": ("제목", "Title"),
    "search_bbox": ("영역", "Box"),
    "search_total": ("데이터셋 {total}건", "{total} datasets"),
    "search_some": (
        "모든 말이 들어간 데이터셋은 없어 일부만 들어간 것을 보입니다.",
        "None has all of the words, so these have some of them.",
    ),
    "search_meant": ("이것을 찾으셨나요?", "Did you mean"),
    "search_narrow": ("조건으로 좁히기", "Narrow it down"),
    "search_clear": ("조건 모두 지우기", "Take all conditions away"),
    "search_others": ("더 보기", "More"),
    "search_changed": ("수정", "changed"),
    "search_deprecated": ("사용 중단 예정", "deprecated"),
    "search_none": ("찾은 데이터셋이 없습니다.", "Nothing was found."),
    "search_none_hint": ("말을 줄이거나 조건을 지워 보세요.", "Try fewer words, or take a condition away."),
    "search_next": ("다음", "Next"),
    "search_api": ("이 결과를 JSON으로", "These results as JSON"),
    "facet_theme": ("분류", "Theme"),
    "facet_place": ("시군", "Municipality"),
    "facet_publisher": ("제공 기관", "Publisher"),
    "facet_format": ("파일 형식", "Format"),
    "facet_licence": ("이용 조건", "Licence"),
    "facet_quality": ("메타데이터 품질", "Quality of metadata"),
    "facet_kind": ("종류", "Kind"),
    # how to use it
    "use": ("바로 써 보기", "Use it"),
    "use_read": ("읽기: 키 없이", "Read, without a key"),
    "use_read_text": (
        "공개 데이터는 키 없이 JSON과 CSV로 읽습니다. 기간, 집계, 시간대를 고를 수 있습니다.",
        "Public data is read without a key, as JSON or CSV. Choose a range, windows and a time zone.",
    ),
    "use_key": ("키 받기", "Get a key"),
    "use_key_text": (
        "메일 주소만으로 바로 발급됩니다. 키는 응답에 한 번만 표시됩니다.",
        "A mail address is enough. The key is shown once, in the answer.",
    ),
    "use_send": ("측정값 보내기", "Send a reading"),
    "use_send_text": (
        "기관의 발행자가 기기를 등록하면 기기의 이름과 비밀번호로 MQTT에 보냅니다.",
        "A publisher of an organisation registers the device; it sends over MQTT with its own name and password.",
    ),
    "docs": ("API 문서", "API documentation"),
    "docs_text": ("모든 주소와 매개변수, 바로 호출해 보기", "Every address and parameter, to try at once"),
    "openapi": ("OpenAPI 3.1 문서 (JSON)", "OpenAPI 3.1 document (JSON)"),
    # the API page
    "docs_lead": (
        "이 서버가 제공하는 모든 주소입니다. 같은 내용이 기계용 문서에도 있습니다.",
        "Every address that this server answers. The same stands in the document for machines.",
    ),
    "needs_key": ("키 필요", "needs a key"),
    "parameters": ("매개변수", "Parameters"),
    "required": ("필수", "required"),
    # failures
    "error_404": ("찾으시는 페이지가 없습니다", "There is no such page"),
    "error_404_text": (
        "주소가 바뀌었거나 잘못 입력되었습니다.",
        "The address may have changed, or has a typing mistake.",
    ),
    "error_410": ("철회된 데이터입니다", "This was withdrawn"),
    "error_410_text": ("제공 기관이 공개를 거두었습니다.", "Its publisher has taken it back."),
    "error_other": ("요청을 처리하지 못했습니다", "The request could not be answered"),
    "error_other_text": (
        "잠시 후 다시 시도해 주세요. 계속되면 아래 번호와 함께 운영기관에 알려 주세요.",
        "Please try again in a while. If it goes on, tell the operator the number below.",
    ),
    "request": ("요청 번호", "Request"),
    "home": ("처음으로", "To the start page"),
}
SPANS = ((DAY, "일", "d"), (HOUR, "시간", "h"), (MINUTE, "분", "min"), (SECOND, "초", "s"))
PHRASES: Mapping[str, tuple[str, str]] = {**_FRAME, **around.PHRASES, **dataset.PHRASES, **testbed.PHRASES}
"""All of them, by name."""


class Words:
    """Phrases in one language: ``words.title`` in a template, ``words["title"]`` in code."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._place = LANGUAGES.index(language)

    def __getitem__(self, name: str) -> str:
        return PHRASES[name][self._place]

    def get(self, name: str) -> str:
        """The phrase of a name, or the name itself: for words that come from data."""
        return self[name] if name in PHRASES else name

    def term(self, of: str, word: str) -> str:
        """A word that comes from data, of a vocabulary; itself where that has it not."""
        pair = TERMS[of].get(word)
        return word if pair is None else pair[self._place]

    def amount(self, resource: str, amount: int) -> str:
        """So much of a resource, with its unit: 면적 1,850 m². One without words here goes by its own name."""
        pair = TERMS["amount"].get(resource)
        return f"{resource} {amount:,}" if pair is None else pair[self._place].format(amount=f"{amount:,}")

    def of(self, row: Any, name: str) -> str:
        """What a record says in this language, else in the other: ``of(site, "name")``."""
        texts = [getattr(row, f"{name}_{language}") for language in LANGUAGES]
        return str(texts[self._place] or texts[0] or texts[1])

    def length(self, micros: int) -> str:
        """A time span in the largest whole unit."""
        for unit, korean, english in (
            (DAY, "일", "d"),
            (HOUR, "시간", "h"),
            (MINUTE, "분", "min"),
            (SECOND, "초", "s"),
        ):
            if micros >= unit and micros % unit == 0:
                return f"{micros // unit}{korean}" if self.language == "ko" else f"{micros // unit} {english}"
        return write_duration(micros)

    def ago(self, seconds: float) -> str:
        """How long ago, in the largest whole unit."""
        for length, korean, english in ((86_400, "일", "d"), (3600, "시간", "h"), (60, "분", "min")):
            if seconds >= length:
                count = int(seconds // length)
                return f"{count}{korean} 전" if self.language == "ko" else f"{count} {english} ago"
        return "방금" if self.language == "ko" else "just now"
