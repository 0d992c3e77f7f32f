"""What is asked of a broker so that its logins are those of the records: commands and files, without a broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from gops.accounts.sealing import Seal
from gops.accounts.verifier import parts, verifier, verifies
from gops.errors import BadSetting, Invalid, Unavailable
from gops.ingest.mqtt.address import BrokerAddress
from gops.ingest.provisioning import dynsec, files
from gops.ingest.provisioning.logins import BrokerLogin
from gops.ingest.provisioning.service import reload_broker

SERVICE = BrokerAddress("127.0.0.1", 1883, username="gops", password="service")
FORM = verifier("secret")
DEPLOYED = Path(__file__).parents[3] / "deploy" / "mosquitto" / "acl"


def device(user: str = "city/air-1", sealed: str | None = "s", form: str | None = FORM) -> BrokerLogin:
    return BrokerLogin(user, "device", 1, form, sealed)


def key(user: str = "key-abcdefgh") -> BrokerLogin:
    return BrokerLogin(user, "key", 2, FORM, "s")


def by_user(*logins: BrokerLogin) -> dict[str, BrokerLogin]:
    return {login.user: login for login in logins}


def unseal(_sealed: str) -> str:
    return "plain"


class TestVerifier:
    def test_it_knows_the_secret_and_no_other(self) -> None:
        assert verifies("secret", FORM)
        assert not verifies("Secret", FORM)
        assert verifier("secret") != FORM, "each has a salt of its own"

    def test_it_reads_what_mosquitto_passwd_wrote(self) -> None:
        made = (
            "$7$101$4EKp7oJVsze2J2ME$"
            "9XNgkpM9E7VBgy7jjeRy5KLjCjlMqHLvuVmjQHRSzzmeqmbC6+WzNVfkcKWcDGy/8CjNiYVN2dl1Te/5GLpz9g=="
        )
        assert verifies("adminpw", made)

    @pytest.mark.parametrize("text", ["", "$6$a$b", "$7$101$x", FORM + "\n", FORM + "x"])
    def test_another_form_is_none(self, text: str) -> None:
        assert parts(text) is None
        assert not verifies("secret", text)


def test_what_is_sealed_opens_under_the_same_login_only() -> None:
    sealed = Seal("one").close("secret")
    assert "secret" not in sealed
    assert Seal("one").open(sealed) == "secret"
    assert Seal("other").open(sealed) is None


@pytest.mark.parametrize(
    "user",
    [
        "city/#",
        "city/+",
        "city/a\nuser admin",
        "city/a b",
        "city/a/b",
        "city/",
        "CITY/a",
        "city/a:b",
        "%u/a",
        "gops",
        "admin",
        "key-short",
        "key-abcdefg/",
        "key-abcdefgh\n",
        "",
    ],
)
def test_a_user_name_that_could_mean_more_than_itself_is_refused(user: str) -> None:
    with pytest.raises(Invalid) as caught:
        BrokerLogin(user, "device", 1, FORM, None)
    assert caught.value.code == "bad_user_name"


class TestDynsec:
    def test_a_new_device_gets_a_role_of_its_own_topics(self) -> None:
        plan = dynsec.plan(by_user(device()), [], [], unseal)
        role, client = plan.commands
        assert {acl["topic"] for acl in role["acls"]} == {
            "gops/v1/city/air-1/up/#",
            "gops/v1/city/air-1/status",
            "gops/v1/city/air-1/down/#",
        }
        assert (client["command"], client["password"]) == ("createClient", "plain")
        assert client["roles"] == [{"rolename": "city/air-1", "priority": 0}]

    def test_who_is_not_wanted_any_more_goes_first_and_others_logins_stay(self) -> None:
        there = [{"username": "admin"}, {"username": "city/gone"}, {"username": "sensor-of-the-plant"}]
        plan = dynsec.plan(by_user(device()), there, ["admin", "city/gone"], unseal)
        assert [command["command"] for command in plan.commands[:2]] == ["deleteClient", "deleteRole"]
        assert plan.removed == ("city/gone",)

    def test_without_its_secret_nobody_is_created(self) -> None:
        plan = dynsec.plan(by_user(device(sealed=None)), [], ["city/air-1"], unseal)
        assert (plan.commands, plan.without) == ((), ("city/air-1",))

    def test_what_was_sealed_under_a_former_login_counts_as_without(self) -> None:
        assert dynsec.plan(by_user(device()), [], [], lambda _sealed: None).without == ("city/air-1",)

    def test_roles_given_by_hand_are_taken_back(self) -> None:
        there = [{"username": "city/air-1", "roles": [{"rolename": "admin"}]}]
        plan = dynsec.plan(by_user(device(sealed=None)), there, ["city/air-1"], unseal)
        assert [command["command"] for command in plan.commands] == ["modifyClient", "enableClient"]
        assert plan.commands[0]["roles"] == [{"rolename": "city/air-1", "priority": 0}]

    def test_an_answer_that_is_an_error_is_told_and_its_secret_stays(self) -> None:
        told: list[BrokerLogin] = []

        class Refusing:
            def ask(self, commands: object) -> list[dict[str, object]]:
                assert isinstance(commands, list)
                return [
                    {"error": "Internal error"} if one["command"] == "createClient" else {"data": {}}
                    for one in commands
                ]

        report = dynsec.synchronise(Refusing(), by_user(device()), SERVICE, unseal, told.extend, everything=False)
        assert report.added == 0
        assert report.failed == (
            "createClient gops: Internal error",
            "createClient city/air-1: Internal error",
        )
        assert told == []


class TestFiles:
    def test_the_deployed_acl_is_what_gops_writes(self) -> None:
        assert DEPLOYED.read_text() == files.acl_text({})

    def test_each_key_reads_live_topics(self) -> None:
        assert files.acl_text(by_user(device(), key())).endswith("user key-abcdefgh\ntopic read gops/live/#\n")

    def test_lines_of_others_stay_and_those_of_the_gone_do_not(self, tmp_path: Path) -> None:
        (tmp_path / files.PASSWORDS).write_text(f"# by hand\nplant:{FORM}\ncity/gone:{FORM}\n")
        report, changed = files.synchronise(tmp_path, by_user(device(), key()), SERVICE)
        assert changed
        assert (report.added, report.removed) == (2, 1)
        known = files.read_passwords(tmp_path / files.PASSWORDS)
        assert set(known) == {"plant", "gops", "city/air-1", "key-abcdefgh"}
        assert verifies("service", known["gops"])

    def test_files_are_replaced_whole_and_readable_by_the_group_alone(self, tmp_path: Path) -> None:
        files.synchronise(tmp_path, by_user(device()), SERVICE)
        first = (tmp_path / files.PASSWORDS).stat()
        assert first.st_mode & 0o777 == 0o640
        _, changed = files.synchronise(tmp_path, by_user(device()), SERVICE)
        assert not changed
        files.synchronise(tmp_path, by_user(device("city/air-2")), SERVICE)
        assert (tmp_path / files.PASSWORDS).stat().st_ino != first.st_ino
        assert sorted(path.name for path in tmp_path.iterdir()) == [files.ACL, files.PASSWORDS]

    def test_who_has_no_verifier_is_named(self, tmp_path: Path) -> None:
        report, _ = files.synchronise(tmp_path, by_user(device(form=None)), SERVICE)
        assert (report.without, report.added) == (("city/air-1",), 0)

    def test_a_folder_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(BadSetting):
            files.synchronise(tmp_path / "none", {}, SERVICE)

    @pytest.mark.parametrize("user", ["a:b", "a\nuser b", "#", "city/dev", "a b"])
    def test_an_odd_name_of_gops_itself_is_refused(self, tmp_path: Path, user: str) -> None:
        with pytest.raises(BadSetting):
            files.synchronise(tmp_path, {}, SERVICE.login(user, "x"))


@pytest.mark.parametrize(("command", "says"), [("false", "ended with 1"), ("no-such-command-here", "did not run")])
def test_a_reload_that_fails_is_an_error(command: str, says: str) -> None:
    with pytest.raises(Unavailable, match=says):
        reload_broker(command)
