"""What to do about a problem, by its code, in Korean and English; where a code has none, what its part of GOPS has."""

from __future__ import annotations

from gops.api import titles
from gops.api.titles import Titles

LOOK = (
    "field와 expected를 보고 값을 고쳐 다시 보내세요",
    "Correct what `field` names as `expected` says, and send it again",
)
OWN: Titles = {
    "malformed": ("요청의 형식을 확인하세요", "Check how the request is written"),
    "unauthenticated": (
        "Authorization: Bearer 헤더에 유효한 키를 넣으세요",
        "Send a key that holds: `Authorization: Bearer <key>`",
    ),
    "forbidden": (
        "필요한 역할과 권한 범위는 expected에 있습니다. 기관의 소유자에게 요청하세요",
        "`expected` says which role and scope it takes; ask an owner of the organisation",
    ),
    "not_found": (
        "주소와 번호를 확인하세요. 공개되지 않은 것은 키가 있어야 보입니다",
        "Check the address; what is not public needs a key",
    ),
    "method_not_allowed": ("Allow 헤더의 메서드를 쓰세요", "Use a method that `Allow` names"),
    "not_acceptable": ("Accept 헤더를 바꾸거나 format을 지정하세요", "Change `Accept`, or name a `format`"),
    "request_timeout": ("더 빠른 회선에서 다시 보내세요", "Send it again, faster"),
    "conflict": ("현재 상태를 다시 읽고 판단하세요", "Read what stands now, and decide anew"),
    "gone": ("다른 데이터셋을 찾아보세요", "Look for another dataset"),
    "too_large": (
        "expected의 한도에 맞게 줄이거나 나누세요",
        "Make it smaller, or several, within the bound that `expected` names",
    ),
    "uri_too_long": ("조건을 줄이세요", "Ask with fewer conditions"),
    "unsupported_media_type": ("Content-Type을 expected에 맞추세요", "Send the `Content-Type` that `expected` names"),
    "range_not_satisfiable": ("파일 크기 안의 범위를 요청하세요", "Ask for bytes within the file"),
    "too_many_requests": ("Retry-After 초 뒤에 다시 요청하세요", "Ask again after `Retry-After` seconds"),
    "quota_exceeded": (
        "내일 다시 요청하거나 키를 쓰세요. GET /api/v1/me/usage가 남은 양을 보여 줍니다",
        "Come back tomorrow, or use a key; `GET /api/v1/me/usage` shows what is left",
    ),
    "internal": ("request_id와 함께 운영자에게 알려 주세요", "Tell the operator, with the `request_id`"),
    "unsupported": (
        "이 서버의 저장소가 하지 못하는 일입니다. 운영자에게 문의하세요",
        "The store of this server cannot; ask the operator",
    ),
    "unavailable": ("Retry-After 초 뒤에 다시 시도하세요", "Try again after `Retry-After` seconds"),
    "required": ("field의 값을 넣으세요", "Give what `field` names"),
    "unknown_parameter": ("문서에 있는 매개변수만 쓰세요", "Use parameters that the document has"),
    "unknown_field": ("문서에 있는 항목만 쓰세요", "Use fields that the document has"),
    "repeated_parameter": ("매개변수를 한 번만 쓰세요", "Give the parameter once"),
    "bad_json": ("found의 위치에서 JSON을 고치세요", "Correct the JSON at the place that `found` names"),
    "bad_cursor": ("next나 Link의 주소를 그대로 따라가세요", "Follow the address in `next` or `Link` as it is"),
    "two_credentials": ("키를 하나만 보내세요", "Send one key"),
    "key_expired": ("새 키를 만드세요", "Make a new key"),
    "key_revoked": ("새 키를 만드세요", "Make a new key"),
    "unknown_key": ("키를 끝까지 복사했는지 확인하세요", "Check that the whole key was copied"),
    "exports_busy": ("잠시 뒤에 다시 받거나 limit로 나누어 받으세요", "Try again soon, or take pages with `limit`"),
    "store_busy": ("잠시 뒤에 다시 시도하세요", "Try again soon"),
    "withdrawn": ("철회 사유를 읽고 다른 데이터셋을 찾아보세요", "Read why, and look for another dataset"),
    "wrong_state": ("현재 상태를 다시 읽으세요", "Read which state it is in now"),
    "illegal_move": ("현재 상태를 다시 읽으세요", "Read which state it is in now"),
    "changed_meanwhile": ("다시 읽고 다시 시도하세요", "Read it again, and try again"),
    "slug_taken": ("다른 이름을 고르세요", "Choose another name"),
    "name_taken": ("다른 이름을 고르세요", "Choose another name"),
}
FEED = ("피드 상태와 상대 서버를 확인하세요", "Look at the feed's health, and at the server that it asks")
STATE = (
    "expected의 조건이 되면 다시 시도하세요. 공고와 신청의 현재 상태를 확인하세요",
    "Try again when what `expected` says holds; look at the state of the call and the application",
)


def remedy(code: str) -> tuple[str, str]:
    """Korean and English."""
    if code in OWN:
        return OWN[code]
    if code in titles.OF_FEEDS or code in titles.OF_HARVEST_RUNS or code in titles.OF_ALERTS:
        return FEED
    return STATE if code in titles.OF_TESTBED else LOOK
