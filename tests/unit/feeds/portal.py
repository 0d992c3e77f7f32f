"""A portal on loopback that answers what a test tells it to; and answers in the real shape of AirKorea's."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Reply = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]
KEY = "abc/DEF+gh=="


def row(station: str, **given: Any) -> dict[str, Any]:
    """A row as ``ver=1.4`` has it; what is not given is well."""
    values = {
        "so2Grade": "1", "coFlag": None, "khaiValue": "74", "so2Value": "0.003", "coValue": "0.4", "pm25Flag": None,
        "pm10Flag": None, "pm10Value": "35", "o3Grade": "2", "khaiGrade": "2", "pm25Value": "21", "sidoName": "서울",
        "no2Flag": None, "no2Grade": "1", "o3Flag": None, "pm25Grade": "2", "so2Flag": None,
        "dataTime": "2026-05-01 09:00", "coGrade": "1", "no2Value": "0.014", "stationName": station,
        "pm10Grade": "1", "o3Value": "0.040", "mangName": "도시대기",
    }  # fmt: skip
    return values | given


def page(rows: list[dict[str, Any]], total: int | None = None, number: int = 1) -> Reply:
    body = {"totalCount": len(rows) if total is None else total, "items": rows, "pageNo": number, "numOfRows": 100}
    header = {"resultMsg": "NORMAL_CODE", "resultCode": "00"}
    return 200, json.dumps({"response": {"body": body, "header": header}}, ensure_ascii=False).encode()


def failure(code: str, name: str) -> Reply:
    """A failure of the gateway: XML with HTTP 200, though JSON was asked for."""
    said = f"<returnAuthMsg>{name}</returnAuthMsg><returnReasonCode>{code}</returnReasonCode>"
    header = f"<cmmMsgHeader><errMsg>SERVICE ERROR</errMsg>{said}</cmmMsgHeader>"
    return 200, f"<OpenAPI_ServiceResponse>{header}</OpenAPI_ServiceResponse>".encode()


QUOTA = failure("22", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR")
NO_DATA: Reply = 200, b'{"response":{"header":{"resultCode":"03","resultMsg":"NODATA_ERROR"},"body":{}}}'
BROKEN: Reply = 502, b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class Portal:
    """``replies`` are given one after the other, the last one again and again; or ``answer`` decides by the parameters,
    or ``serve`` by path and headers."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.asked: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answer: Callable[[dict[str, str]], Reply] = self._next
        self.serve: Callable[[str, dict[str, str]], Reply] | None = None
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                portal.asked.append(query)
                portal.paths.append(self.path)
                named = {name.lower(): value for name, value in self.headers.items()}
                reply = portal.serve(self.path, named) if portal.serve else portal.answer(query)
                status, body = reply[0], reply[1]
                self.send_response(status)
                for name, value in (reply[2] if len(reply) == 3 else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.root = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.root}/B552584/ArpltnInforInqireSvc"

    def _next(self, _query: dict[str, str]) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
