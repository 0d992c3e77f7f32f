"""What letters say, in Korean and in English: subject and text by event, filled with the facts of a notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from zoneinfo import ZoneInfo

from gops.clock import from_micros

Language = Literal["ko", "en"]
CALL = ("공고: {call} ({call_slug})", "Call: {call} ({call_slug})")
APPLICATION = (
    f"신청: {{application}} ({{application_id}}번)\n{CALL[0]}",
    f"Application: {{application}} ({{application_id}})\n{CALL[1]}",
)
SLOT = (
    "부지: {site}\n기간: {first_week} ~ {end_week} 전\n자리 번호: {slot_id}",
    "Site: {site}\nWeeks: from {first_week} to before {end_week}\nSlot: {slot_id}",
)
Pair = tuple[str, str]


def _event(korean: str, english: str, about: Pair, then: Pair = ("", "")) -> dict[str, Pair]:
    """A subject of two languages; the text repeats it, names what it is about, and says what to do."""
    return {
        "ko": (f"[GOPS] {korean}", "\n\n".join(part for part in (f"{korean}.", about[0], then[0]) if part)),
        "en": (f"[GOPS] {english}", "\n\n".join(part for part in (f"{english}.", about[1], then[1]) if part)),
    }


APPEAL = (f"{APPLICATION[0]}\n대상: {{about}}\n답변 기한: {{due_at}}",
          f"{APPLICATION[1]}\nAbout: {{about}}\nTo be answered by: {{due_at}}")  # fmt: skip
DEMAND = ("수요: {demand} ({demand_id}번)", "Demand: {demand} ({demand_id})")
TAKEN_UP = (f"{DEMAND[0]}\n{CALL[0]}", f"{DEMAND[1]}\n{CALL[1]}")
CHECK = (f"{APPLICATION[0]}\n규정: {{rule}}", f"{APPLICATION[1]}\nRule: {{rule}}")
TEMPLATES: Mapping[str, Mapping[str, Pair]] = {
    "call.cancelled": _event(
        "공고가 취소되었습니다: {call}", "The call was cancelled: {call}", CALL, ("사유: {reason}", "Reason: {reason}")
    ),
    "call.corrected": _event("공고가 정정되었습니다: {call}", "The call was corrected: {call}", CALL),
    "question.answered": _event(
        "공고 질의에 답변이 올라왔습니다: {call}", "A question about the call was answered: {call}", CALL
    ),
    "application.submit": _event(
        "신청이 제출되었습니다: {application}", "The application was handed in: {application}", APPLICATION
    ),
    "application.take_back": _event(
        "신청을 되돌려 작성 중입니다: {application}",
        "The application is a draft again: {application}",
        APPLICATION,
        ("마감 전에 다시 제출해야 합니다.", "Hand it in again before the call closes."),
    ),
    "application.withdraw": _event(
        "신청이 철회되었습니다: {application}", "The application was withdrawn: {application}", APPLICATION
    ),
    "application.member_ask": _event(
        "컨소시엄 참여를 확인해 주십시오: {application}",
        "Please confirm your part in a consortium: {application}",
        APPLICATION,
    ),
    "consortium.answered": _event(
        "컨소시엄 기관이 답했습니다: {application}",
        "An organisation of the consortium answered: {application}",
        APPLICATION,
        (
            "기관: {organisation}\n답변: {answer}\n거절하면 제출된 신청은 작성 중으로 돌아갑니다.",
            "Organisation: {organisation}\nAnswer: {answer}\nA refusal makes a submitted application a draft again.",
        ),
    ),
    "application.alike": _event(
        "비슷한 신청이 제출되었습니다: {application}",
        "An application is like others: {application}",
        APPLICATION,
        ("비슷한 신청 번호: {others}", "Applications that it is like: {others}"),
    ),
    "application.eligible": _event(
        "신청 자격이 확인되었습니다: {application}", "The application is eligible: {application}", APPLICATION
    ),
    "application.ineligible": _event(
        "신청 자격이 인정되지 않았습니다: {application}",
        "The application is not eligible: {application}",
        APPLICATION,
        ("사유는 신청 내역에 있습니다.", "The reasons stand with the application."),
    ),
    "application.reserve": _event(
        "예비 순위에 올랐습니다: {application}", "The application is on the reserve list: {application}", APPLICATION
    ),
    "application.rejected": _event(
        "예비 순위가 끝나 배정되지 않았습니다: {application}",
        "The reserve list has ended without a place: {application}",
        APPLICATION,
    ),
    "review.assigned": _event(
        "평가할 신청이 배정되었습니다: {call}",
        "Applications are yours to review: {call}",
        ("공고: {call}", "Call: {call}"),
        ("평가 기한: {until_at}", "Reviews are due by {until_at}."),
    ),
    "regulation.requested": _event(
        "규제 확인이 요청되었습니다: {application}",
        "A regulatory check was requested: {application}",
        CHECK,
        ("{due_at}까지 답변이 없으면 규제가 없는 것으로 추정됩니다.", "Unanswered by {due_at}, no rule is presumed."),
    ),
    "regulation.answered": _event(
        "규제 확인에 답변이 있습니다: {application}", "A regulatory check was answered: {application}", CHECK
    ),
    "regulation.presumed_none": _event(
        "답변이 없어 규제가 없는 것으로 추정합니다: {application}",
        "No answer: no rule is presumed: {application}",
        CHECK,
        ("공고 기관의 확인이 필요합니다.", "The call's owner has to confirm it."),
    ),
    "regulation.confirmed": _event(
        "규제 확인 결과가 확정되었습니다: {application}", "A regulatory check was confirmed: {application}", CHECK
    ),
    "exemption.requested": _event(
        "규제 특례가 신청되었습니다: {application}", "An exemption was requested: {application}", CHECK
    ),
    "exemption.changed": _event(
        "규제 특례의 상태가 바뀌었습니다: {application}",
        "An exemption changed: {application}",
        CHECK,
        ("상태: {state}", "State: {state}"),
    ),
    "round.published": _event(
        "배정 결과가 잠정 공개되었습니다: {call}",
        "The provisional allocation was published: {call}",
        APPLICATION,
        ("이의신청 기한: {until_at}", "Appeals are taken until {until_at}."),
    ),
    "offer.made": _event(
        "실증 부지가 제안되었습니다: {application}",
        "A site is offered: {application}",
        (f"{APPLICATION[0]}\n{SLOT[0]}", f"{APPLICATION[1]}\n{SLOT[1]}"),
        (
            "{lapses_at}까지 수락하지 않으면 예비 순위로 넘어갑니다.",
            "Accept by {lapses_at}, or it goes to the reserve list.",
        ),
    ),
    "offer.accepted": _event(
        "제안이 수락되었습니다: {application}", "The offer was accepted: {application}", APPLICATION
    ),
    "offer.declined": _event(
        "제안이 거절되었습니다: {application}", "The offer was declined: {application}", APPLICATION
    ),
    "offer.lapsed": _event(
        "제안의 기한이 지났습니다: {application}", "The offer has lapsed: {application}", APPLICATION
    ),
    "appeal.filed": _event("이의신청이 접수되었습니다: {application}", "An appeal was filed: {application}", APPEAL),
    "appeal.panel": _event(
        "이의신청이 심의로 넘어갔습니다: {application}", "An appeal goes to the panel: {application}", APPEAL
    ),
    "appeal.upheld": _event(
        "이의신청이 받아들여졌습니다: {application}", "The appeal was upheld: {application}", APPEAL
    ),
    "appeal.dismissed": _event(
        "이의신청이 기각되었습니다: {application}", "The appeal was dismissed: {application}", APPEAL
    ),
    "demand.supported": _event(
        "{supports}명이 수요를 지지합니다: {demand}", "{supports} people support the demand: {demand}", DEMAND
    ),
    "demand.offered": _event(
        "비슷한 수요의 병합이 제안되었습니다: {demand}",
        "Another demand would be merged into yours: {demand}",
        DEMAND,
        ("병합을 제안한 수요: {other}", "The other demand: {other}"),
    ),
    "demand.merged": _event(
        "수요가 다른 수요에 병합되었습니다: {demand}",
        "The demand was merged into another: {demand}",
        DEMAND,
        ("병합된 수요: {into}", "It is part of: {into}"),
    ),
    "demand.grown": _event(
        "비슷한 수요가 병합되었습니다: {demand}",
        "A like demand was merged into yours: {demand}",
        DEMAND,
        ("병합된 수요: {other}\n지지: {supports}명", "Merged: {other}\nSupports: {supports}"),
    ),
    "demand.taken_up": _event(
        "공고가 수요를 채택했습니다: {demand}", "A call has taken up the demand: {demand}", TAKEN_UP
    ),
    "demand.call_opened": _event(
        "수요를 채택한 공고의 접수가 시작되었습니다: {demand}", "The call about the demand is open: {demand}", TAKEN_UP
    ),
    "demand.reopened": _event(
        "공고가 취소되어 수요가 다시 공개 상태입니다: {demand}",
        "The call was cancelled and the demand is open again: {demand}",
        TAKEN_UP,
    ),
    "slot.micro": _event("단기 이용이 승인되었습니다: {site}", "A micro-slot was granted: {site}", SLOT),
    "slot.given_back": _event("단기 이용이 반납되었습니다: {site}", "A micro-slot was given back: {site}", SLOT),
    "slot.ready": _event("모든 조건이 충족되었습니다: {site}", "Every condition is met: {site}", SLOT),
    "slot.active": _event("실증이 시작되었습니다: {site}", "The slot has begun: {site}", SLOT),
    "slot.booked": _event("부지가 예약되었습니다: {site}", "A site was booked: {site}", SLOT),
    "slot.paused": _event(
        "실증이 일시 중단되었습니다: {site}",
        "The slot was paused: {site}",
        SLOT,
        ("사유: {reason}", "Reason: {reason}"),
    ),
    "slot.resumed": _event("실증이 다시 시작되었습니다: {site}", "The slot goes on: {site}", SLOT),
    "slot.ended": _event("실증 기간이 끝났습니다: {site}", "The slot has ended: {site}", SLOT),
    "slot.expired": _event("중단된 자리의 기간이 지났습니다: {site}", "The paused slot has expired: {site}", SLOT),
    "slot.cancelled": _event(
        "자리가 취소되었습니다: {site}", "The slot was cancelled: {site}", SLOT, ("사유: {reason}", "Reason: {reason}")
    ),
    "slot.unmet": _event(
        "조건이 충족되지 않아 자리가 취소되었습니다: {site}",
        "The slot was cancelled with conditions unmet: {site}",
        SLOT,
        ("미충족: {unmet}", "Unmet: {unmet}"),
    ),
    "condition.handed_in": _event(
        "조건 서류가 제출되었습니다: {condition}", "A condition was handed in: {condition}", SLOT
    ),
    "condition.met": _event("조건이 충족되었습니다: {condition}", "A condition is met: {condition}", SLOT),
    "condition.open": _event(
        "조건을 다시 갖추어야 합니다: {condition}", "A condition is open again: {condition}", SLOT
    ),
    "cluster.invited": _event(
        "액션 클러스터에 초대되었습니다: {cluster}",
        "Your organisation is invited to an action cluster: {cluster}",
        ("클러스터: {cluster_id}번", "Cluster: {cluster_id}"),
    ),
}
CLOCKS: Mapping[str, Pair] = {
    "call.opens": ("공고 접수가 시작됩니다", "the call opens"),
    "call.closes": ("공고 접수가 마감됩니다", "the call closes"),
    "call.questions": ("공고 질의가 마감됩니다", "questions are taken no more"),
    "call.answers": ("질의 답변 기한입니다", "questions should be answered"),
    "call.review": ("평가 기한입니다", "scores should be there"),
    "application.forgotten": ("배정되지 않은 신청의 서류가 삭제됩니다", "documents of an application are deleted"),
    "regulation.silent": ("규제 확인의 답변 기한입니다", "a regulatory check must be answered, or no rule is presumed"),
    "exemption.expires": ("규제 특례가 만료됩니다", "an exemption expires"),
    "offer.lapses": ("제안의 수락 기한입니다", "the offer lapses"),
    "reserve.ends": ("예비 순위가 끝납니다", "the reserve list ends for the application"),
    "slot.starts": ("실증이 시작됩니다. 조건이 모두 충족되어야 합니다", "the slot starts; every condition must be met"),
    "slot.ends": ("실증 기간이 끝납니다", "the slot ends"),
    "appeal.unanswered": ("이의신청의 답변 기한입니다", "an appeal must be answered"),
    "round.appeals": ("이의신청이 마감됩니다", "appeals are taken no more"),
}
"""What comes near, by the name of its clock."""
NEAR = "clock.near"


def render(event: str, facts: Mapping[str, Any], language: str, zone: ZoneInfo) -> tuple[str, str]:
    """Subject, one line, and text. An event without a template is told by its name and its facts."""
    one: Language = "en" if language == "en" else "ko"
    shown = _Facts({name: _shown(name, value, one, zone) for name, value in facts.items()})
    if event == NEAR:
        subject, text = _near(shown, one)
    elif event in TEMPLATES:
        subject, text = TEMPLATES[event][one]
        subject, text = subject.format_map(shown), text.format_map(shown)
    else:
        subject, text = f"[GOPS] {event}", "\n".join(f"{name}: {value}" for name, value in sorted(shown.items()))
    return " ".join(subject.split())[:200], text + "\n"


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "-"


def _near(facts: _Facts, language: Language) -> tuple[str, str]:
    what = CLOCKS.get(facts["clock"], (facts["clock"],) * 2)
    name = facts["name"]
    if language == "ko":
        return f"[GOPS] {facts['days']}일 안에: {what[0]} - {name}", f"{what[0]}.\n\n{name}\n기한: {facts['due_at']}"
    return f"[GOPS] Within {facts['days']} days: {what[1]} - {name}", f"{what[1]}.\n\n{name}\nAt: {facts['due_at']}"


def _shown(name: str, value: Any, language: Language, zone: ZoneInfo) -> str:
    if isinstance(value, Mapping):
        value = value.get(language) or value.get("ko") or "-"
    if name.endswith("_at") and isinstance(value, int):
        return from_micros(value).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")
    return "-" if value is None or value == "" else str(value)
