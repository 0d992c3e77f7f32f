"""The page of a dataset of files shows its columns and leads to its downloads, in both languages."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import World
from tests.api.test_files import parks, put

__all__ = ["parks"]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_page_of_files_names_its_downloads(parks: World, browser: FlaskClient, language: str) -> None:
    put(parks, b"a,b\n1,2\n", "/datasets/parks/files/more.csv")
    page = browser.get(f"/datasets/parks?lang={language}")
    assert page.status_code == 200
    assert "/api/v1/datasets/parks/files/parks.csv" in page.text
    assert "more.csv" in page.text
