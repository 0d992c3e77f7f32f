"""Letters as files: whole, private, bounded."""

from __future__ import annotations

import stat
import threading
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.accounts.checks import EMAIL
from gops.clock import FixedClock
from gops.errors import Unavailable
from gops.notify.outbox import MailOutbox


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def outbox(folder: Path, clock: FixedClock) -> MailOutbox:
    return MailOutbox(folder, 10, clock)


def test_a_letter_is_a_file_that_a_mail_program_reads(outbox: MailOutbox, folder: Path) -> None:
    outbox.put("kim@example.kr", "키가 발급되었습니다", "안녕하세요\n\nHello.\n")
    (file,) = folder.iterdir()
    letter = message_from_bytes(file.read_bytes(), policy=default)
    assert file.suffix == ".eml"
    assert (letter["To"], letter["Subject"]) == ("kim@example.kr", "키가 발급되었습니다")
    assert letter["Date"] == "Fri, 01 May 2026 00:00:00 +0000"
    assert letter.get_content().replace("\r\n", "\n") == "안녕하세요\n\nHello.\n"
    assert letter.defects == []


def test_letters_and_their_folder_are_for_gops_alone(outbox: MailOutbox, folder: Path) -> None:
    outbox.put("kim@example.kr", "s", "t")
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_letters_sort_by_time(outbox: MailOutbox, folder: Path, clock: FixedClock) -> None:
    for subject in ("one", "two", "three"):
        outbox.put("kim@example.kr", subject, "t")
        clock.move(seconds=1)
    letters = [message_from_bytes(file.read_bytes(), policy=default) for file in sorted(folder.iterdir())]
    assert [letter["Subject"] for letter in letters] == ["one", "two", "three"]


def test_a_full_outbox_refuses_and_names_the_setting(outbox: MailOutbox, folder: Path) -> None:
    for _ in range(10):
        outbox.put("kim@example.kr", "s", "t")
    with pytest.raises(Unavailable) as raised:
        outbox.put("kim@example.kr", "s", "t")
    assert "GOPS_OUTBOX_MAX" in str(raised.value.expected)
    next(folder.iterdir()).unlink()
    outbox.put("kim@example.kr", "s", "t")


def test_a_subject_cannot_add_a_header(outbox: MailOutbox, folder: Path) -> None:
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        outbox.put("kim@example.kr", "s\nBcc: all@example.kr", "t")
    assert not folder.exists()


def test_letters_at_the_same_moment_are_all_kept(outbox: MailOutbox, folder: Path) -> None:
    threads = [threading.Thread(target=outbox.put, args=("kim@example.kr", "s", "t")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(folder.glob("*.eml"))) == 8


@given(st.from_regex(EMAIL, fullmatch=True).filter(lambda text: len(text) <= 254))
def test_every_address_that_accounts_take_can_be_written_to(address: str) -> None:
    letter = message_from_bytes(MailOutbox(Path("unused")).letter(address, "s", "t"), policy=default)
    assert letter["To"].addresses[0].addr_spec == address
