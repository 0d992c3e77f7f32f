"""The title of every problem code, in Korean and English. ``tests/api/test_titles.py`` finds a code without one."""

from __future__ import annotations

from collections.abc import Mapping

Titles = Mapping[str, tuple[str, str]]

OF_STATUS: Titles = {
    "malformed": ("요청을 읽을 수 없습니다", "The request cannot be read"),
    "unauthenticated": ("인증이 필요합니다", "Authentication is needed"),
    "forbidden": ("권한이 없습니다", "Not allowed"),
    "not_found": ("찾을 수 없습니다", "Not found"),
    "method_not_allowed": ("이 주소에서 쓸 수 없는 메서드입니다", "Method not allowed here"),
    "not_acceptable": ("제공하지 않는 형식입니다", "No such representation"),
    "request_timeout": ("요청 시간이 초과되었습니다", "The request took too long"),
    "conflict": ("이미 있는 것과 어긋납니다", "It contradicts what stands"),
    "gone": ("철회되었습니다", "Withdrawn"),
    "too_large": ("한도를 넘었습니다", "Over a limit"),
    "uri_too_long": ("주소가 너무 깁니다", "The address is too long"),
    "unsupported_media_type": ("읽지 않는 매체 유형입니다", "Media type not read here"),
    "range_not_satisfiable": ("없는 범위입니다", "No such range"),
    "invalid_value": ("값이 올바르지 않습니다", "A value is wrong"),
    "too_many_requests": ("요청이 너무 많습니다", "Too many requests"),
    "internal": ("서버에서 오류가 났습니다", "Something failed here"),
    "unsupported": ("이 저장소는 할 수 없습니다", "This store cannot do that"),
    "unavailable": ("잠시 쓸 수 없습니다", "Not available at the moment"),
    "bad_setting": ("설정이 올바르지 않습니다", "A setting is wrong"),
}
OF_REQUEST: Titles = {
    "invalid_request": ("요청의 값이 올바르지 않습니다", "Values of the request are wrong"),
    "required": ("필수 항목이 없습니다", "A required value is missing"),
    "unknown_parameter": ("없는 매개변수입니다", "There is no such parameter"),
    "unknown_field": ("없는 항목입니다", "There is no such field"),
    "repeated_parameter": ("매개변수가 되풀이되었습니다", "A parameter is repeated"),
    "bad_json": ("JSON을 읽을 수 없습니다", "The JSON cannot be read"),
    "too_deep": ("JSON이 너무 깊습니다", "The JSON is nested too deep"),
    "bad_text": ("쓸 수 없는 글자가 있습니다", "The text has a character that is not allowed"),
    "bad_cursor": ("커서가 올바르지 않습니다", "The cursor is wrong"),
    "bad_time": ("시각을 읽을 수 없습니다", "The time cannot be read"),
    "bad_zone": ("없는 시간대입니다", "There is no such time zone"),
    "bad_bbox": ("영역이 올바르지 않습니다", "The bounding box is wrong"),
    "bad_ids": ("번호 목록이 올바르지 않습니다", "The list of ids is wrong"),
    "range_reversed": ("시작이 끝보다 늦습니다", "The range ends before it starts"),
    "mixed_kinds": ("종류가 다른 데이터스트림입니다", "Datastreams of different kinds"),
    "two_credentials": ("서로 다른 인증 정보가 함께 왔습니다", "Two different credentials"),
}
TITLES: Titles = {**OF_STATUS, **OF_REQUEST}


def title(code: str, status_code: str, language: str) -> str:
    """The title of ``code``, or of the code of its status where it has none of its own."""
    korean, english = TITLES.get(code) or TITLES[status_code]
    return korean if language == "ko" else english
