"""The codes of problems as a page, for people who follow the ``type`` of one. Works without style and script."""

from __future__ import annotations

from html import escape

from flask import Response, request

from gops.api.korean import SENTENCES
from gops.api.remedies import remedy
from gops.api.titles import TITLES

_HEAD = {
    "ko": ("오류 코드", "GOPS의 API가 답하는 오류의 이름과 뜻, 그리고 할 일입니다.", "할 일"),
    "en": ("Codes of problems", "What the API of GOPS answers when something is wrong, and what to do.", "What to do"),
}


def is_wanted() -> bool:
    """Does whoever asks read pages rather than JSON? JSON where both are alike, as in ``*/*``."""
    wanted = request.accept_mimetypes
    return wanted["text/html"] > wanted["application/json"]


def problem_page(language: str) -> Response:
    """Every code under an anchor of its name, in ``language`` ("ko", "en")."""
    heading, lead, doing = _HEAD[language]
    entries = "\n".join(_entry(code, language, doing) for code in sorted(TITLES))
    page = (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{heading} · GOPS</title>\n</head>\n'
        f"<body>\n<main>\n<h1>{heading}</h1>\n<p>{lead}</p>\n{entries}\n</main>\n</body>\n</html>\n"
    )
    response = Response(page, mimetype="text/html")
    response.headers["Content-Language"] = language
    response.vary.add("Accept-Language")
    return response


def _entry(code: str, language: str, doing: str) -> str:
    place = 0 if language == "ko" else 1
    meaning = f"<p>{escape(SENTENCES[code])}.</p>\n" if language == "ko" else ""
    return (
        f'<section id="{code}">\n<h2><code>{code}</code> {escape(TITLES[code][place])}</h2>\n'
        f"{meaning}<p>{doing}: {escape(remedy(code)[place])}</p>\n</section>"
    )
