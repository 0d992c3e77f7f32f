"""API keys: shown once, narrow, confined to one organisation, and never more than their person may do now."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from gops.accounts.keys import Keys
from gops.accounts.members import Members
from gops.accounts.model import ApiKey, Organisation
from gops.clock import DAY, FixedClock
from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS, SCOPES, Actor, permits
from gops.records.audit import AuditRow
from gops.records.database import Database
from gops.records.events import Event
from gops.settings import Settings
from tests.conftest import People
from tests.unit.accounts.conftest import HOSTILE_LINES


@pytest.fixture
def suwon(people: People) -> Organisation:
    return people.organisation("suwon")


@pytest.fixture
def owner(people: People, suwon: Organisation) -> Actor:
    return people.actor(suwon, "owner")


def refused(keys: Keys, text: Any) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as raised:
        keys.authenticate(text)
    return raised.value


def test_a_key_proves_who_acts_and_what_they_may_do(keys: Keys, owner: Actor) -> None:
    made, text = keys.issue(owner, "laboratory", ["data:write", "data:read"], 30)
    actor = keys.authenticate(text)
    assert actor == replace(owner, key_id=made.id, scopes=frozenset({"data:read", "data:write"}))


def test_a_key_reads_as_gops_prefix_secret_and_only_its_digest_is_kept(
    keys: Keys, owner: Actor, database: Database
) -> None:
    made, text = keys.issue(owner, "laboratory", ["data:read"], 30)
    word, prefix, secret = text.split("_", 2)
    assert (word, prefix, len(prefix), len(secret)) == ("gops", made.prefix, 8, 43)
    with database.read() as session:
        kept = session.scalars(select(ApiKey)).one()
    assert kept.digest == hashlib.sha256(secret.encode()).digest()
    assert secret not in repr(vars(kept))


def test_two_keys_share_nothing(keys: Keys, owner: Actor) -> None:
    one, two = (keys.issue(owner, "laboratory", ["data:read"], 30)[1].split("_", 2) for _ in range(2))
    assert one[1] != two[1]
    assert one[2] != two[2]


def test_issuing_and_revoking_is_audited_and_told_without_the_secret(
    keys: Keys, owner: Actor, audited: Callable[[], list[AuditRow]], told: Callable[[], list[Event]]
) -> None:
    made, text = keys.issue(owner, "laboratory", ["data:read"], 30)
    keys.revoke(owner, made.id)
    rows = audited()
    assert [(row.action, row.record_id, row.organisation_id, row.person_id) for row in rows] == [
        ("key.issue", made.id, owner.organisation_id, owner.person_id),
        ("key.revoke", made.id, owner.organisation_id, owner.person_id),
    ]
    assert rows[0].detail == {"prefix": made.prefix, "person": owner.person_id, "scopes": ["data:read"]}
    assert [(event.kind, event.payload) for event in told()] == [
        ("key.issued", {"key": made.id}),
        ("key.revoked", {"key": made.id}),
    ]
    assert text.split("_", 2)[2] not in repr([vars(row) for row in rows])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text[:5] + "XXXXXXXX" + text[13:],
        lambda text: text.upper(),
        lambda text: " " + text,
        lambda text: text + "\n",
        lambda text: "",
        lambda text: "gops__",
        lambda text: "x" * 1_000_000,
        lambda text: "gops_12345678_" + "한" * 43,
        lambda text: "\0",
        lambda text: "\ud800",
    ],
)
def test_what_is_no_key_is_refused_with_one_and_the_same_answer(
    keys: Keys, owner: Actor, change: Callable[[str], str]
) -> None:
    _made, text = keys.issue(owner, "laboratory", ["data:read"], 30)
    error = refused(keys, change(text))
    assert (error.code, error.message) == ("unknown_key", "this is no API key of this GOPS")


def test_a_key_ends_at_its_date_to_the_microsecond(keys: Keys, owner: Actor, clock: FixedClock) -> None:
    made, text = keys.issue(owner, "laboratory", ["data:read"], 30)
    assert made.expires_at == clock.micros() + 30 * DAY
    clock.move(days=30, microseconds=-1)
    keys.authenticate(text)
    clock.move(microseconds=1)
    assert refused(keys, text).code == "key_expired"
    assert refused(Keys(keys._database, clock, _settings(keys)), text).code == "key_expired"


def _settings(keys: Keys) -> Settings:
    return keys._maker._settings


def test_a_revoked_key_is_refused_at_once_though_it_was_remembered(keys: Keys, owner: Actor) -> None:
    made, text = keys.issue(owner, "laboratory", ["data:read"], 30)
    keys.authenticate(text)
    keys.revoke(owner, made.id)
    assert refused(keys, text).code == "key_revoked"


def test_only_who_knows_the_secret_learns_that_a_key_was_revoked(keys: Keys, owner: Actor) -> None:
    made, text = keys.issue(owner, "laboratory", ["data:read"], 30)
    keys.revoke(owner, made.id)
    guess = text[:14] + "A" * 43
    assert refused(keys, guess).code == "unknown_key"


def test_revoking_twice_changes_nothing(keys: Keys, owner: Actor, clock: FixedClock, told: Any) -> None:
    made, _text = keys.issue(owner, "laboratory", ["data:read"], 30)
    first = keys.revoke(owner, made.id).revoked_at
    clock.move(hours=1)
    assert keys.revoke(owner, made.id).revoked_at == first
    assert [event.kind for event in told()] == ["key.issued", "key.revoked"]


def test_a_key_carries_a_role_that_is_given_and_loses_one_that_is_taken(
    keys: Keys, members: Members, owner: Actor, people: People, suwon: Organisation
) -> None:
    lee = people.actor(suwon, "publisher", person=people.person("lee@example.kr"))
    _made, text = keys.issue(lee, "laboratory", SCOPES[:3], 30)
    assert permits(keys.authenticate(text), "device.change", suwon.id)
    members.remove(owner, "suwon", lee.person_id or 0, "publisher")
    keys.forget()
    stripped = keys.authenticate(text)
    assert stripped.roles == frozenset()
    assert not permits(stripped, "device.change", suwon.id)
    members.add(owner, "suwon", "lee@example.kr", "Lee", "viewer")
    keys.forget()
    assert keys.authenticate(text).roles == {"viewer"}


def test_a_key_carries_no_role_of_another_organisation(keys: Keys, people: People, suwon: Organisation) -> None:
    yongin = people.organisation("yongin")
    person = people.member(yongin, "owner")
    viewer = people.actor(suwon, "viewer", person=person)
    _made, text = keys.issue(viewer, "laboratory", ["org:admin", "data:write"], 30)
    actor = keys.authenticate(text)
    assert (actor.organisation_id, actor.roles) == (suwon.id, {"viewer"})
    assert not permits(actor, "member.change", yongin.id)


def test_platform_roles_come_with_keys_of_the_operator_alone(keys: Keys, people: People, suwon: Organisation) -> None:
    operator = people.operator()
    person = people.person_of(operator)
    at_home = keys.authenticate(keys.issue(operator, "desk", SCOPES, 30)[1])
    assert (at_home.platform_roles, at_home.owns_operator) == ({"operator"}, True)
    guest = people.actor(suwon, "owner", person=person)
    abroad = keys.authenticate(keys.issue(guest, "desk", ["org:admin"], 30)[1])
    assert (abroad.platform_roles, abroad.owns_operator) == (frozenset(), False)


def test_a_platform_role_written_into_another_organisation_counts_for_nothing(
    keys: Keys, people: People, suwon: Organisation
) -> None:
    """Members refuses to give one; if a row says so all the same, it is not believed."""
    odd = people.actor(suwon, "owner", "operator")
    actor = keys.authenticate(keys.issue(odd, "desk", ["org:admin"], 30)[1])
    assert actor.platform_roles == frozenset()


@pytest.mark.parametrize("scope", SCOPES[1:])
def test_a_key_passes_on_no_scope_that_it_lacks(keys: Keys, people: People, suwon: Organisation, scope: str) -> None:
    narrow = people.actor(suwon, "owner", scopes=("data:read",))
    with pytest.raises(Forbidden) as raised:
        keys.issue(narrow, "more", ["data:read", scope], 30)
    assert (raised.value.code, raised.value.found) == ("scope_exceeds", scope)
    assert raised.value.expected == "one or more of data:read"


def test_a_key_of_a_key_is_of_the_same_person_and_organisation(keys: Keys, owner: Actor) -> None:
    parent = keys.authenticate(keys.issue(owner, "parent", ["data:read", "data:write"], 30)[1])
    child = keys.authenticate(keys.issue(parent, "child", ["data:read"], 30)[1])
    assert (child.person_id, child.organisation_id) == (owner.person_id, owner.organisation_id)
    assert child.scopes == {"data:read"}


@pytest.mark.parametrize("slug", ["yongin", "nowhere", "x" * 1000])
def test_a_key_issues_none_for_another_organisation(keys: Keys, people: People, owner: Actor, slug: str) -> None:
    """Not even for one in which its person has a role: whoever issued this key may not be trusted there."""
    people.member(people.organisation("yongin"), "owner", person=people.person_of(owner))
    with pytest.raises(Forbidden) as raised:
        keys.issue(owner, "there", ["data:read"], 30, slug)
    assert raised.value.code == "key_is_confined"


def test_a_key_may_name_its_own_organisation(keys: Keys, owner: Actor) -> None:
    made, _text = keys.issue(owner, "here", ["data:read"], 30, "suwon")
    assert made.organisation_id == owner.organisation_id


def test_the_scope_of_the_platform_is_for_the_operators_keys(keys: Keys, owner: Actor) -> None:
    with pytest.raises(Invalid) as raised:
        keys.issue(owner, "more", ["platform:admin"], 30)
    assert raised.value.code == "platform_scope"


@pytest.mark.parametrize("scopes", [[], ["root"], ["data:read", ""], "data:read", [None], [["data:read"]]])
def test_scopes_that_do_not_exist_are_refused(keys: Keys, owner: Actor, scopes: Any) -> None:
    with pytest.raises(Invalid) as raised:
        keys.issue(owner, "odd", scopes, 30)
    assert raised.value.field == "scopes"


@pytest.mark.parametrize("days", [0, -1, 731, 10**30, 1.5, "30", True, None])
def test_a_life_out_of_bounds_is_refused_and_names_the_setting(keys: Keys, owner: Actor, days: Any) -> None:
    with pytest.raises(Invalid) as raised:
        keys.issue(owner, "odd", ["data:read"], days)
    assert raised.value.field == "days"
    assert "GOPS_KEY_DAYS_MAX" in str(raised.value.expected)


@pytest.mark.parametrize("label", HOSTILE_LINES)
def test_a_hostile_label_is_refused(keys: Keys, owner: Actor, label: Any) -> None:
    with pytest.raises(Invalid) as raised:
        keys.issue(owner, label, ["data:read"], 30)
    assert raised.value.field == "label"


def test_the_anonymous_have_no_keys(keys: Keys) -> None:
    with pytest.raises(Unauthenticated):
        keys.issue(ANONYMOUS, "more", ["data:read"], 30)
    with pytest.raises(Unauthenticated):
        keys.list(ANONYMOUS)


def test_keys_of_one_person_are_bounded_and_ended_ones_do_not_count(
    keys: Keys, owner: Actor, clock: FixedClock, settings: Settings
) -> None:
    few = Keys(keys._database, clock, replace(settings, keys_per_person=2))
    first, _ = few.issue(owner, "one", ["data:read"], 1)
    few.issue(owner, "two", ["data:read"], 30)
    with pytest.raises(Conflict) as raised:
        few.issue(owner, "three", ["data:read"], 30)
    assert raised.value.code == "too_many_keys"
    assert "GOPS_KEYS_PER_PERSON" in str(raised.value.expected)
    few.revoke(owner, first.id)
    third, _ = few.issue(owner, "three", ["data:read"], 1)
    clock.move(days=1)
    few.issue(owner, "four", ["data:read"], 30)
    assert third.expires_at == clock.micros()


def test_one_lists_the_keys_of_ones_own_person_here(keys: Keys, people: People, owner: Actor) -> None:
    yongin = people.organisation("yongin")
    elsewhere = people.actor(yongin, "owner", person=people.person_of(owner))
    keys.issue(elsewhere, "elsewhere", ["data:read"], 30)
    keys.issue(people.actor(yongin, "owner"), "somebody else's", ["data:read"], 30)
    for label in ("one", "two", "three"):
        keys.issue(owner, label, ["data:read"], 30)
    first = keys.list(owner, limit=2)
    rest = keys.list(owner, after=first[-1].id)
    assert [key.label for key in (*first, *rest)] == ["one", "two", "three"]


def test_a_revoked_key_of_ones_own_is_listed_as_such(keys: Keys, owner: Actor) -> None:
    made, _text = keys.issue(owner, "one", ["data:read"], 30)
    keys.revoke(owner, made.id)
    assert [key.revoked_at is not None for key in keys.list(owner)] == [True]


def test_whoever_has_lost_every_role_may_still_end_their_key(
    keys: Keys, members: Members, owner: Actor, people: People, suwon: Organisation
) -> None:
    lee = people.actor(suwon, "viewer")
    made, text = keys.issue(lee, "one", ["data:read"], 30)
    members.remove(owner, "suwon", lee.person_id or 0, "viewer")
    keys.forget()
    keys.revoke(keys.authenticate(text), made.id)
    assert refused(keys, text).code == "key_revoked"


def test_another_persons_key_is_not_there(keys: Keys, people: People, suwon: Organisation, owner: Actor) -> None:
    made, text = keys.issue(owner, "one", ["data:read"], 30)
    for other in (people.actor(suwon, "publisher"), people.actor(people.organisation("yongin"), "owner"), ANONYMOUS):
        with pytest.raises(NotFound):
            keys.revoke(other, made.id)
    keys.authenticate(text)


def test_ones_own_key_in_another_organisation_is_not_there_either(keys: Keys, people: People, owner: Actor) -> None:
    """A key that an owner elsewhere issued in this person's name ends nothing here."""
    made, _text = keys.issue(owner, "one", ["data:read"], 30)
    elsewhere = people.actor(people.organisation("yongin"), "viewer", person=people.person_of(owner))
    with pytest.raises(NotFound):
        keys.revoke(elsewhere, made.id)


@pytest.mark.parametrize("key_id", [0, -1, 404, 2**63, 10**30])
def test_a_key_that_is_not_there_is_not_found(keys: Keys, owner: Actor, key_id: int) -> None:
    with pytest.raises(NotFound):
        keys.revoke(owner, key_id)


def test_an_owner_and_the_operator_list_and_end_the_keys_of_members(
    keys: Keys, people: People, suwon: Organisation, owner: Actor
) -> None:
    operator = people.operator()
    for chief in (owner, operator):
        made, text = keys.issue(people.actor(suwon, "viewer"), "lost", ["data:read"], 30)
        assert made.id in {key.id for key in keys.list_all(chief, "suwon")}
        keys.revoke(chief, made.id)
        assert refused(keys, text).code == "key_revoked"


@pytest.mark.parametrize("role", ["publisher", "applicant", "viewer"])
def test_who_is_no_owner_lists_no_keys_of_others(keys: Keys, people: People, suwon: Organisation, role: str) -> None:
    with pytest.raises(Forbidden):
        keys.list_all(people.actor(suwon, role), "suwon")


def test_an_owner_issues_a_members_first_key(
    keys: Keys, people: People, suwon: Organisation, owner: Actor, audited: Callable[[], list[AuditRow]]
) -> None:
    lee = people.member(suwon, "publisher", person=people.person("lee@example.kr"))
    _made, text = keys.issue_for(owner, suwon.id, "Lee@example.kr", "first", ["data:write"], 30)
    actor = keys.authenticate(text)
    assert (actor.person_id, actor.organisation_id, actor.roles) == (lee.id, suwon.id, {"publisher"})
    assert (audited()[-1].person_id, audited()[-1].detail["person"]) == (owner.person_id, lee.id)


def test_a_key_for_a_member_is_bounded_by_the_issuers_scopes(keys: Keys, people: People, suwon: Organisation) -> None:
    admin = people.actor(suwon, "owner", scopes=("org:admin",))
    people.member(suwon, "publisher", person=people.person("lee@example.kr"))
    with pytest.raises(Forbidden) as raised:
        keys.issue_for(admin, suwon.id, "lee@example.kr", "first", ["data:write"], 30)
    assert raised.value.code == "scope_exceeds"


@pytest.mark.parametrize("email", ["nobody@example.kr", "stranger@example.kr"])
def test_there_is_no_key_for_who_is_no_member(keys: Keys, people: People, owner: Actor, email: str) -> None:
    people.member(people.organisation("yongin"), "owner", person=people.person("stranger@example.kr"))
    with pytest.raises(NotFound):
        keys.issue_for(owner, owner.organisation_id or 0, email, "first", ["data:read"], 30)


@pytest.mark.parametrize("role", ["publisher", "applicant", "viewer"])
def test_who_is_no_owner_issues_for_nobody(keys: Keys, people: People, suwon: Organisation, role: str) -> None:
    people.member(suwon, "owner", person=people.person("lee@example.kr"))
    with pytest.raises(Forbidden):
        keys.issue_for(people.actor(suwon, role), suwon.id, "lee@example.kr", "first", ["data:read"], 30)


def test_the_operator_does_not_act_as_a_member_of_others(keys: Keys, people: People, suwon: Organisation) -> None:
    """The operator sees counts of an organisation's refusals, not its readings; a key for a member would show all."""
    people.member(suwon, "owner", person=people.person("lee@example.kr"))
    with pytest.raises(Forbidden):
        keys.issue_for(people.operator(), suwon.id, "lee@example.kr", "first", ["data:read"], 30)


def test_a_check_is_remembered_for_a_moment_and_the_memory_is_bounded(
    keys: Keys, owner: Actor, clock: FixedClock, settings: Settings
) -> None:
    small = Keys(keys._database, clock, replace(settings, keys_remembered=2))
    texts = [small.issue(owner, "one", ["data:read"], 30)[1] for _ in range(4)]
    for text in texts:
        small.authenticate(text)
    assert len(small._remembered) == 2


def test_what_is_no_key_is_not_remembered(keys: Keys) -> None:
    for number in range(20):
        refused(keys, f"gops_{number:08d}_{'x' * 43}")
    assert len(keys._remembered) == 0


@pytest.mark.parametrize(("scopes", "days"), [(["data:read"], 7), (["data:read", "org:admin"], 365)])
def test_a_key_ends_no_later_than_the_one_that_made_it_unless_that_may_make_keys_for_others(
    keys: Keys, owner: Actor, clock: FixedClock, scopes: list[str], days: int
) -> None:
    lent = keys.authenticate(keys.issue(owner, "lent for a week", scopes, 7)[1])
    made, _text = keys.issue(lent, "longer", ["data:read"], 365)
    assert made.expires_at == clock.micros() + days * DAY
