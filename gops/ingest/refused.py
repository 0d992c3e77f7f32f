"""A refusal is data: code, field, place, note. The table of codes stands here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A row of the table: what a refusal's code means, in Korean and English."""

    ko: str
    en: str


CODES: dict[str, Code] = {
    # the message
    "foreign_topic": Code("이 주소로는 받지 않습니다", "This topic is not one that GOPS reads"),
    "unknown_device": Code("등록되지 않은 기기입니다", "No device of this name is registered"),
    "revoked_device": Code("등록이 취소된 기기입니다", "This device was revoked"),
    "unknown_codec": Code("지원하지 않는 코덱입니다", "There is no codec of this name"),
    "too_large": Code("허용된 크기를 넘었습니다", "Larger than allowed"),
    "empty": Code("측정값이 없습니다", "There is no reading in it"),
    "bad_utf8": Code("UTF-8이 아닙니다", "The text is not UTF-8"),
    "bad_json": Code("JSON이 아닙니다", "The text is not JSON"),
    "bad_line": Code("줄의 형식이 맞지 않습니다", "A line does not follow the format"),
    "missing_member": Code("필요한 항목이 없습니다", "Something that the format requires is absent"),
    "unsupported": Code("GOPS가 읽지 않는 내용입니다", "The format allows it, GOPS does not read it"),
    "too_deep": Code("중첩이 너무 깊습니다", "Nested deeper than allowed"),
    "too_many_readings": Code("메시지 하나에 측정값이 너무 많습니다", "More readings in one message than allowed"),
    # a reading
    "wrong_type": Code("값의 형식이 맞지 않습니다", "A value is not of the type expected"),
    "not_a_number": Code("유한한 수가 아닙니다", "A number is NaN, infinite or too large"),
    "inexact": Code("정확히 저장할 수 없는 큰 정수입니다", "A whole number that a 64-bit float cannot hold exactly"),
    "unit_mismatch": Code("단위가 연결된 단위와 다릅니다", "A unit is another than the mapping says"),
    "bad_quality": Code("품질 표시를 알 수 없거나 값과 모순됩니다", "A quality is unknown or contradicts its value"),
    "bad_time": Code("시각을 읽을 수 없습니다", "A time cannot be read"),
    "time_without_zone": Code("시각에 시간대가 없습니다", "A time has no offset, and no zone is named for it"),
    "too_early": Code("허용된 기간보다 이전의 시각입니다", "Earlier than readings are accepted"),
    "too_late": Code(
        "보존 기간이 지났거나 이미 솎아 낸 기간의 측정값입니다",
        "Of a time whose readings were deleted or thinned by now",
    ),
    "too_far_ahead": Code("허용된 범위보다 미래의 시각입니다", "Further ahead of the server than accepted"),
    "time_too_fine": Code("저장소가 구분하지 못하는 세밀한 시각입니다", "A time finer than the store tells apart"),
    "unsupported_kind": Code("저장소가 받지 않는 종류입니다", "The store takes no readings of this kind"),
    "unknown_field": Code("연결되지 않은 항목입니다", "No mapping of the device or feed has this field"),
    "unknown_thing": Code("등록되지 않은 관측 대상입니다", "No Thing of the feed's organisation is called so"),
    "unknown_datastream": Code("이 기관의 데이터스트림이 아닙니다", "No Datastream of this organisation is named so"),
    "ambiguous_name": Code("같은 이름의 데이터스트림이 여럿입니다", "More than one Datastream is named so"),
    "ended_datastream": Code("종료된 데이터스트림입니다", "The field's Datastream has ended"),
    # a mistake of GOPS itself
    "internal": Code("GOPS 내부 오류입니다", "A mistake inside GOPS"),
}


@dataclass(frozen=True, slots=True)
class Refused:
    """One thing that was not stored.

    ``field`` is the device's name for the value, None where no single one is meant. ``place`` says where in the
    message (``[2].values.pm10``; empty for the whole). ``note`` is English, says what was found and what was expected,
    and is safe to send to the device. ``readings`` is how many readings were lost by it, as far as they could be told
    apart.
    """

    code: str
    field: str | None
    place: str
    note: str
    readings: int = 1


class Unreadable(Exception):
    """Raised inside decoding and mapping when one value is refused; the loop around it turns it into ``Refused``."""

    def __init__(self, code: str, note: str) -> None:
        super().__init__(code, note)
        self.code = code
        self.note = note


SHOWN_CHARACTERS = 40


def shown(value: object) -> str:
    """A value as a note may show it: short, on one line, printable."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return repr(value[:SHOWN_CHARACTERS]) + ("..." if len(value) > SHOWN_CHARACTERS else "")
    return str(value)[:SHOWN_CHARACTERS]
