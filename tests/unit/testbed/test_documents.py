"""Documents: their type is told from their bytes, a scanner may refuse them, and they are never public."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gops.errors import Conflict, Forbidden, GopsError, Invalid, NotFound, TooLarge, Unavailable
from gops.files.checking import check
from gops.files.folder import FolderFiles
from gops.permissions import ANONYMOUS, Actor
from gops.settings import Settings
from gops.testbed.call_model import Document
from gops.testbed.clock_table import clock_table
from gops.testbed.clocks import Clocks
from gops.testbed.consortium import Consortia
from gops.testbed.documents import checking
from gops.testbed.documents.service import Documents, Offered
from gops.testbed.documents.types import media_type
from gops.testbed.duplicates import Duplicates
from gops.testbed.errata import Errata
from gops.testbed.model import Application, Call, Site
from gops.testbed.questions import Questions
from tests.unit.testbed.conftest import City

PDF = b"%PDF-1.7\n1 0 obj\nendobj\n%%EOF\n"
OFFICE = "application/vnd.openxmlformats-officedocument."


def packed(*names: str, mimetype: str = "") -> bytes:
    """A ZIP file with these members."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as made:
        if mimetype:
            made.writestr("mimetype", mimetype)
        for name in names:
            made.writestr(name, "<x/>")
    return written.getvalue()


def office(part: str, *more: str) -> bytes:
    return packed("[Content_Types].xml", part, *more)


def compound(*names: str, tail: bytes = b"", sectors: int = 9) -> bytes:
    """A compound file with these streams: its table in sector 0, its directory in the others, ``tail`` after them."""
    size = 1 << sectors
    entries = b"".join(_entry(name, 5 if name == "Root Entry" else 2) for name in ("Root Entry", *names))
    count = -(-len(entries) // size)
    chain = [0xFFFFFFFD, *range(2, count + 1), 0xFFFFFFFE]
    table = struct.pack(f"<{size // 4}I", *chain, *[0xFFFFFFFF] * (size // 4 - len(chain)))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH6xIII", 0x3E, 3, 0xFFFE, sectors, 6, 0, 1, 1)
    head += struct.pack("<IIIIII", 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    return head.ljust(size, b"\0") + table + entries.ljust(count * size, b"\0") + tail


def _entry(name: str, kind: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    return (text.ljust(64, b"\0") + struct.pack("<HB", len(text), kind)).ljust(128, b"\0")


HWP = compound("FileHeader", "DocInfo", "BodyText", "PrvText", "Scripts", tail=b"HWP Document File".ljust(512, b"\0"))
CIRCLE = bytearray(compound("WordDocument"))
CIRCLE[512 + 4 : 512 + 8] = (1).to_bytes(4, "little")  # the directory's sector follows itself
PPT_MACRO = bytes.fromhex("1f00ff0314000000020000040c000000")

GOOD: Sequence[tuple[bytes, str, str]] = [
    (PDF, "plan.pdf", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n....", "map.PNG", "image/png"),
    (b"\xff\xd8\xff\xe0....", "photo.jpeg", "image/jpeg"),
    (b"GIF89a....", "a.gif", "image/gif"),
    (b"RIFF....WEBPVP8 ", "a.webp", "image/webp"),
    (office("word/document.xml"), "계획서.docx", OFFICE + "wordprocessingml.document"),
    (office("xl/workbook.xml"), "budget.xlsx", OFFICE + "spreadsheetml.sheet"),
    (office("ppt/presentation.xml"), "slides.pptx", OFFICE + "presentationml.presentation"),
    (packed("content.xml", mimetype="application/vnd.oasis.opendocument.text"), "a.odt",
     "application/vnd.oasis.opendocument.text"),
    (packed("Contents/section0.xml", mimetype="application/hwp+zip"), "계획서.hwpx", "application/hwp+zip"),
    (HWP, "계획서.hwp", "application/x-hwp"),
    (compound("1Table", "WordDocument", "Data"), "계획서.doc", "application/msword"),
    (compound("Workbook"), "예산.XLS", "application/vnd.ms-excel"),
    (compound("Book", sectors=12), "old.xls", "application/vnd.ms-excel"),
    (compound("Current User", "PowerPoint Document", "Pictures", "a", "b", "c"), "발표.ppt",
     "application/vnd.ms-powerpoint"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "name", "kind"), GOOD, ids=[name for _, name, _ in GOOD])
def test_a_type_is_told_from_the_bytes(content: bytes, name: str, kind: str) -> None:
    for declared in (kind, f"{kind}; charset=binary", "application/octet-stream", ""):
        assert media_type(io.BytesIO(content), name, declared) == kind


@pytest.mark.parametrize(("content", "name", "declared", "code", "field"), [
    (PDF, "plan.docx", "", "document_lies", "name"),
    (PDF, "plan", "", "document_lies", "name"),
    (PDF, "plan.pdf", "image/png", "document_lies", "Content-Type"),
    (PDF, "plan.pdf", "text/html", "document_lies", "Content-Type"),
    (b"MZ\x90\x00", "setup.pdf", "application/pdf", "unknown_document", "body"),
    (b"<html><script>", "page.pdf", "application/pdf", "unknown_document", "body"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "image/svg+xml", "unknown_document", "body"),
    (packed("a.exe"), "a.docx", "", "unknown_document", "body"),
    (office("word/document.xml", "xl/workbook.xml"), "a.docx", "", "unknown_document", "body"),
    (office("word/document.xml", "word/vbaProject.bin"), "a.docx", "", "document_macro", "body"),
    (packed("Basic/Standard/a.xml", mimetype="application/vnd.oasis.opendocument.text"), "a.odt", "",
     "document_macro", "body"),
    (packed("a", mimetype="text/html"), "a.odt", "", "unknown_document", "body"),
    (office("word/document.xml")[:-30], "a.docx", "", "unknown_document", "body"),
    (b"PK\x03\x04", "a.docx", "", "unknown_document", "body"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "a.hwp", "", "unknown_document", "body"),
    (HWP, "plan.doc", "", "document_lies", "name"),
    (compound("WordDocument"), "plan.docx", "", "document_lies", "name"),
    (compound("Workbook"), "plan.xls", "application/msword", "document_lies", "Content-Type"),
    (compound("WordDocument", "Macros", "VBA"), "plan.doc", "", "document_macro", "body"),
    (compound("Workbook", "_VBA_PROJECT_CUR"), "plan.xls", "", "document_macro", "body"),
    (compound("PowerPoint Document", tail=PPT_MACRO.ljust(512, b"\0")), "plan.ppt", "", "document_macro", "body"),
    (compound("WordDocument", "Workbook"), "plan.doc", "", "unknown_document", "body"),
    (compound("__properties_version1.0"), "mail.doc", "", "unknown_document", "body"),
    (compound("FileHeader", "DocInfo", "BodyText"), "a.hwp", "", "unknown_document", "body"),
    (compound("WordDocument", tail=b"HWP Document File"), "a.hwp", "", "document_lies", "name"),
    (compound("WordDocument")[:-100], "a.doc", "", "unknown_document", "body"),
    (bytes(CIRCLE), "a.doc", "", "unknown_document", "body"),
])  # fmt: skip
def test_what_lies_about_its_type_is_refused(content: bytes, name: str, declared: str, code: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        media_type(io.BytesIO(content), name, declared)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.expected


def test_a_directory_that_would_fill_the_memory_is_not_read() -> None:
    content = bytearray(office("word/document.xml"))
    end = content.rfind(b"PK\x05\x06")
    content[end + 12 : end + 16] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(Invalid):
        media_type(io.BytesIO(bytes(content)), "a.docx", "")


@pytest.fixture
def site(city: City) -> Site:
    return city.site()


@pytest.fixture
def call(city: City, site: Site) -> Call:
    made = city.call(terms={"rules": {"documents": ["plan"]}})
    city.to("2026-06-02T09:00")
    return made


@pytest.fixture
def row(city: City, call: Call, site: Site) -> Application:
    return city.apply(call, [site], submitted=False)


def documents(city: City, **changed: Any) -> Documents:
    settings: Settings = replace(city.settings, **changed)
    return Documents(city.database, city.clock, settings, FolderFiles(settings.data / "files"))


def add(city: City, row: Application, content: bytes = PDF, name: str = "plan.pdf", actor: Actor | None = None,
        **changed: Any) -> Document:  # fmt: skip
    offered = Offered(name, "plan", "application/pdf")
    return documents(city, **changed).add(actor or city.company, row.id, offered, io.BytesIO(content))


def kept(city: City) -> list[Path]:
    """Every file that lies there, drafts too."""
    return [path for path in (city.settings.data / "files").rglob("*") if path.is_file()]


def test_a_document_is_kept_by_its_hash_and_counts_for_the_rule(city: City, row: Application) -> None:
    assert [one["code"] for one in row.verdicts] == ["document_missing"]
    made = add(city, row)
    assert (made.media_type, made.bytes, made.scanned) == ("application/pdf", len(PDF), False)
    assert documents(city).references() == {made.sha256}
    assert city.applications.get(city.company, row.id).verdicts == []
    found, opened = documents(city).open(city.company, row.id, made.id)
    with opened() as file:
        assert (found.name, file.read()) == ("plan.pdf", PDF)


def test_a_damaged_document_is_named_with_its_application_and_not_by_its_name(city: City, row: Application) -> None:
    made = add(city, row)
    (path,) = kept(city)
    files, needed = FolderFiles(path.parents[2]), checking.needed(city.database)
    assert check(files, needed) == []
    path.chmod(0o600)
    path.write_bytes(PDF[::-1])
    (wrong,) = check(files, needed)
    assert (wrong.finding.trouble, wrong.needed.of) == (
        "wrong_checksum", {"application": row.id, "document": made.id},
    )  # fmt: skip
    assert "plan" not in wrong.needed.shown


def test_a_document_is_taken_out_of_a_draft(city: City, row: Application) -> None:
    made = add(city, row)
    documents(city).remove(city.company, row.id, made.id)
    assert documents(city).references() == set()
    assert [one["code"] for one in city.applications.get(city.company, row.id).verdicts] == ["document_missing"]
    with pytest.raises(NotFound):
        documents(city).remove(city.company, row.id, made.id)


@pytest.mark.parametrize(("changed", "error", "code"), [
    ({"document_bytes": len(PDF) - 1}, TooLarge, "document_too_large"),
    ({"application_document_bytes": len(PDF) - 1}, TooLarge, "documents_too_large"),
    ({"application_documents": 0}, Conflict, "too_many"),
])  # fmt: skip
def test_documents_are_bounded(
    city: City, row: Application, changed: dict[str, int], error: type[GopsError], code: str
) -> None:
    with pytest.raises(error) as refused:
        add(city, row, **changed)
    assert refused.value.code == code
    assert f"GOPS_{next(iter(changed)).upper()}" in str(refused.value.expected)
    assert documents(city).references() == set()


@pytest.mark.parametrize("content", [b"", b"MZ\x90\x00"])
def test_nothing_is_left_of_what_is_refused(city: City, row: Application, content: bytes) -> None:
    with pytest.raises(Invalid):
        add(city, row, content)
    assert kept(city) == []


def test_a_name_is_that_of_a_file(city: City, row: Application) -> None:
    for name in ("../plan.pdf", "a\\b.pdf", ".pdf", "", "a\nb.pdf", "x" * 201 + ".pdf"):
        with pytest.raises(Invalid) as refused:
            add(city, row, name=name)
        assert refused.value.field == "name", name


def test_what_is_handed_in_or_closed_is_not_changed(city: City, row: Application) -> None:
    made = add(city, row)
    city.applications.submit(city.company, row.id, "0" * 32)
    for expected in ("not_a_draft", "call_not_open"):
        for act in (lambda: add(city, row), lambda: documents(city).remove(city.company, row.id, made.id)):
            with pytest.raises(Conflict) as refused:
                act()
            assert refused.value.code == expected
        city.to("2026-07-01T09:00")


def test_only_the_applicant_adds_and_removes(city: City, row: Application) -> None:
    made = add(city, row)
    city.applications.submit(city.company, row.id, "0" * 32)
    for actor, error in (
        (city.rival, NotFound), (ANONYMOUS, NotFound), (city.planner, Forbidden), (city.operator, Forbidden)
    ):  # fmt: skip
        with pytest.raises(error):
            add(city, row, actor=actor)
        with pytest.raises(error):
            documents(city).remove(actor, row.id, made.id)


def test_who_reads_documents(city: City, row: Application) -> None:
    """Who sees the application; never the public, not even of a call that is final."""
    made = add(city, row)
    city.applications.submit(city.company, row.id, "0" * 32)
    for actor in (city.company, city.planner, city.operator, city.auditor):
        assert [one.id for one in documents(city).list(actor, row.id)] == [made.id]
        assert documents(city).open(actor, row.id, made.id)[0].sha256 == made.sha256
    for actor in (city.rival, city.neighbour, ANONYMOUS):
        for act in (partial(documents(city).list, actor, row.id),
                    partial(documents(city).open, actor, row.id, made.id)):  # fmt: skip
            with pytest.raises(NotFound):
                act()


def test_confidential_documents_are_not_for_municipalities_of_sites(city: City) -> None:
    theirs = city.site(city.neighbour)
    call = city.call()
    city.to("2026-06-02T09:00")
    row = city.apply(call, [theirs], submitted=False, details={"confidential": ["documents"]})
    made = add(city, row)
    city.applications.submit(city.company, row.id, "0" * 32)
    assert list(documents(city).list(city.neighbour, row.id)) == []
    with pytest.raises(NotFound):
        documents(city).open(city.neighbour, row.id, made.id)
    assert len(documents(city).list(city.planner, row.id)) == 1


def scanner(tmp_path: Path, text: str) -> str:
    script = tmp_path / "scanner.py"
    script.write_text(text)
    return f"{sys.executable} -I {script}"


SEES_EICAR = "import sys; sys.exit(1 if b'EICAR' in open(sys.argv[-1], 'rb').read() else 0)"


def test_a_scanner_passes_what_is_clean_and_refuses_the_rest(city: City, row: Application, tmp_path: Path) -> None:
    command = scanner(tmp_path, SEES_EICAR)
    assert add(city, row, scanner_command=command).scanned
    with pytest.raises(Invalid) as refused:
        add(city, row, PDF + b"EICAR", scanner_command=command)
    assert refused.value.code == "document_infected"
    assert len(kept(city)) == 1


@pytest.mark.parametrize(("text", "seconds"), [
    ("import sys; sys.exit(2)", 20), ("import time; time.sleep(60)", 1), ("import os; os.kill(os.getpid(), 9)", 20),
])  # fmt: skip
def test_without_a_word_of_the_scanner_nothing_is_kept(
    city: City, row: Application, tmp_path: Path, text: str, seconds: int
) -> None:
    with pytest.raises(Unavailable) as refused:
        add(city, row, scanner_command=scanner(tmp_path, text), scanner_seconds=seconds)
    assert refused.value.code == "scanner_failed"
    assert kept(city) == []


def test_a_scanner_that_is_not_there_is_no_reason_to_keep(city: City, row: Application) -> None:
    with pytest.raises(Unavailable):
        add(city, row, scanner_command="/nonexistent/scanner --quiet")


def test_no_shell_reads_the_command(city: City, row: Application, tmp_path: Path) -> None:
    command = scanner(tmp_path, "import sys; sys.exit(0 if sys.argv[1:3] == ['; rm', '$HOME'] else 3)")
    assert add(city, row, scanner_command=f"{command} '; rm' $HOME").scanned


def test_documents_of_who_got_no_place_are_deleted_after_their_time(city: City, row: Application) -> None:
    add(city, row)
    city.applications.edit(city.company, row.id, summary="secret", details={"technology": ["lidar"]})
    city.applications.submit(city.company, row.id, "0" * 32)
    city.calls.cancel(city.planner, _slug(city, row), "no budget")
    clocks = Clocks(city.database, city.clock, clock_table(city.settings))
    city.to("2026-06-30T18:00")
    city.clock.move(days=city.settings.application_forget_days, microseconds=-1)
    assert clocks.advance() == 0
    assert documents(city).references() != set()
    city.clock.move(microseconds=1)
    assert (clocks.advance(), clocks.advance()) == (1, 0)
    assert documents(city).references() == set()
    with city.database.read() as session:
        left = session.scalars(select(Application).where(Application.id == row.id)).one()
    assert (left.title, left.summary, left.details) == ("Sweeping robots", "", None)


def _slug(city: City, row: Application) -> str:
    return city.calls.slugs([row.call_id])[row.call_id]


def test_the_whole_story_on_either_database(either_city: City) -> None:
    """Question, erratum, consortium, document, duplicates, close, cancelled, forgotten."""
    city = either_city
    call = city.call(city.planner, terms={"sites": [city.site().id]})
    city.to("2026-06-02T09:00")
    site = next(iter(city.sites.list(city.planner)))
    one = city.apply(call, [site], theme="safety", submitted=False)
    asked = Questions(city.database, city.clock, city.settings).ask(city.rival, call.slug, "Water?")
    Questions(city.database, city.clock, city.settings).answer(city.planner, call.slug, asked.id, "Yes.")
    Errata(city.database, city.clock, city.settings).publish(city.planner, call.slug, "오타", "A slip", title_en="B")
    consortia = Consortia(city.database, city.clock)
    consortia.ask(city.company, one.id, "drones")
    add(city, one)
    consortia.answer(city.rival, one.id, "drones", "confirmed")
    city.applications.submit(city.company, one.id, "0" * 32)
    two = city.apply(call, [site], theme="safety")
    assert [found.id for found in Duplicates(city.database).of(city.operator, two.id)] == [one.id]
    clocks = Clocks(city.database, city.clock, clock_table(city.settings))
    city.to("2026-06-30T18:00")
    assert clocks.advance() == 1
    assert city.applications.get(city.company, one.id).state == "eligible"
    city.calls.cancel(city.planner, call.slug, "no budget")
    city.clock.move(days=city.settings.application_forget_days)
    assert clocks.advance() == 2
    assert documents(city).references() == set()
