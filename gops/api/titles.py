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
OF_REGISTRY: Titles = {
    "bad_duration": ("기간을 읽을 수 없습니다", "The duration cannot be read"),
    "bad_point": ("위치가 올바르지 않습니다", "The position is wrong"),
    "bad_range": ("범위가 올바르지 않습니다", "The range is wrong"),
    "bad_since": ("위치의 시작 시각이 올바르지 않습니다", "The time since when it is there is wrong"),
    "decommissioned": ("운영이 끝난 대상입니다", "It was taken out of service"),
    "ended_datastream": ("종료된 데이터스트림입니다", "The Datastream has ended"),
    "field_taken": ("이미 연결된 항목입니다", "The field is mapped already"),
    "has_readings": ("측정값이 있어 바꿀 수 없습니다", "There are readings, so it stands"),
    "in_use": ("사용 중입니다", "It is in use"),
    "incompatible_units": ("서로 변환할 수 없는 단위입니다", "The units do not convert"),
    "key_taken": ("이미 있는 관측 항목입니다", "There is such an observed property already"),
    "kind_of_property": ("관측 항목과 맞지 않는 종류입니다", "The kind does not suit the observed property"),
    "label_without_period": ("기간이 없는 시각 표시입니다", "A label of a period, and no period"),
    "location_order": ("위치의 순서가 어긋납니다", "The places are out of order"),
    "mapping_misfit": ("연결된 항목과 맞지 않습니다", "A mapped field does not suit"),
    "no_device": ("기기가 없는 대상입니다", "The Thing has no device"),
    "repeated_datastream": ("데이터스트림이 되풀이되었습니다", "A Datastream is repeated"),
    "repeated_field": ("항목이 되풀이되었습니다", "A field is repeated"),
    "reserved_field": ("다른 뜻으로 쓰이는 이름입니다", "The name has a meaning of its own"),
    "revoked_device": ("등록이 취소된 기기입니다", "The device was revoked"),
    "same_sensor": ("바뀌는 것이 없습니다", "Nothing would be different"),
    "state_conversion": ("상태 값은 변환하지 않습니다", "States are not converted"),
    "too_many": ("정해진 개수를 넘었습니다", "More than the bound allows"),
    "too_many_locations": ("위치가 너무 많습니다", "Too many places"),
    "unit_of_kind": ("종류와 맞지 않는 단위입니다", "The unit does not suit the kind"),
    "unknown_datastream": ("없는 데이터스트림입니다", "There is no such Datastream"),
    "unknown_unit": ("없는 단위입니다", "There is no such unit"),
}
OF_ACCOUNTS: Titles = {
    "key_expired": ("기한이 지난 키입니다", "The key has ended"),
    "key_is_confined": ("다른 기관의 키는 만들 수 없습니다", "A key makes keys for its own organisation"),
    "key_revoked": ("취소된 키입니다", "The key was revoked"),
    "last_owner": ("마지막 소유자입니다", "The last owner"),
    "name_taken": ("이미 있는 이름입니다", "The name is taken"),
    "platform_role": ("운영기관에만 있는 역할입니다", "A role of the operator's organisation"),
    "platform_scope": ("운영기관 키에만 있는 권한입니다", "A scope for keys of the operator's organisation"),
    "scope_exceeds": ("가지지 않은 권한은 줄 수 없습니다", "A scope that the key does not have"),
    "slug_taken": ("이미 있는 주소 이름입니다", "The slug is taken"),
    "too_many_keys": ("키가 너무 많습니다", "Too many keys"),
    "unknown_key": ("없는 키입니다", "There is no such key"),
}
OF_READINGS: Titles = {
    "aggregate_of_kind": ("이 종류에는 맞지 않는 집계입니다", "The aggregate makes no sense for this kind"),
    "bad_reading": ("측정값이 올바르지 않습니다", "A reading is wrong"),
    "bad_windows": ("집계 구간이 올바르지 않습니다", "The windows are wrong"),
    "store_busy": ("저장소가 바쁩니다", "The store is busy"),
    "store_held": ("다른 프로세스가 저장소를 쓰고 있습니다", "Another process holds the store"),
    "store_memory": ("저장소의 메모리가 모자랍니다", "The store is short of memory"),
    "store_write": ("저장소에 쓸 수 없습니다", "The store cannot be written"),
    "too_many_vertices": ("꼭짓점이 너무 많습니다", "Too many vertices"),
    "too_many_windows": ("집계 구간이 너무 많습니다", "Too many windows"),
    "unknown_aggregate": ("없는 집계입니다", "There is no such aggregate"),
    "unknown_code": ("없는 거절 코드입니다", "There is no such refusal code"),
    "unknown_every": ("없는 집계 간격입니다", "There is no such length of windows"),
    "unknown_quality": ("없는 품질 표시입니다", "There is no such quality"),
    "wrong_columns": ("열이 다릅니다", "Other columns than expected"),
}
TITLES: Titles = {**OF_STATUS, **OF_REQUEST, **OF_REGISTRY, **OF_ACCOUNTS, **OF_READINGS}


def title(code: str, status_code: str, language: str) -> str:
    """The title of ``code``, or of the code of its status where it has none of its own."""
    korean, english = TITLES.get(code) or TITLES[status_code]
    return korean if language == "ko" else english
