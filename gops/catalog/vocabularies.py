"""Words that metadata are made of, each with its IRI: themes, update frequencies, file types, personal data.

Themes, frequencies, file types and languages are authority tables of the Publications Office of the European Union,
which DCAT-AP 3 asks for (controlled vocabularies, section 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AUTHORITY = "http://publications.europa.eu/resource/authority"
PUBLIC_ACCESS = f"{AUTHORITY}/access-right/PUBLIC"
THEME_TAXONOMY = f"{AUTHORITY}/data-theme"
LANGUAGES: Mapping[str, str] = {"ko": f"{AUTHORITY}/language/KOR", "en": f"{AUTHORITY}/language/ENG"}


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a vocabulary: its name in requests, in Korean and English, and its IRI."""

    key: str
    ko: str
    en: str
    iri: str


@dataclass(frozen=True, slots=True)
class FileType:
    key: str
    media_type: str
    iri: str

    @property
    def media_type_iri(self) -> str:
        return f"https://www.iana.org/assignments/media-types/{self.media_type}"


def _table(kind: str, *rows: tuple[str, str, str, str]) -> Mapping[str, Word]:
    return {key: Word(key, ko, en, f"{AUTHORITY}/{kind}/{code}") for key, ko, en, code in rows}


THEMES = _table(
    "data-theme",
    ("agriculture", "농업·수산·산림·식품", "Agriculture, fisheries, forestry and food", "AGRI"),
    ("economy", "경제·재정", "Economy and finance", "ECON"),
    ("education", "교육·문화·체육", "Education, culture and sport", "EDUC"),
    ("energy", "에너지", "Energy", "ENER"),
    ("environment", "환경", "Environment", "ENVI"),
    ("government", "행정·공공", "Government and public sector", "GOVE"),
    ("health", "보건", "Health", "HEAL"),
    ("justice", "안전·사법", "Justice, legal system and public safety", "JUST"),
    ("regions", "지역·도시", "Regions and cities", "REGI"),
    ("society", "인구·사회", "Population and society", "SOCI"),
    ("technology", "과학·기술", "Science and technology", "TECH"),
    ("transport", "교통", "Transport", "TRAN"),
)
FREQUENCIES = _table(
    "frequency",
    ("continuous", "실시간", "continuously", "UPDATE_CONT"),
    ("hourly", "매시간", "hourly", "HOURLY"),
    ("daily", "매일", "daily", "DAILY"),
    ("weekly", "매주", "weekly", "WEEKLY"),
    ("monthly", "매월", "monthly", "MONTHLY"),
    ("quarterly", "분기마다", "quarterly", "QUARTERLY"),
    ("yearly", "매년", "yearly", "ANNUAL"),
    ("irregular", "수시", "irregularly", "IRREG"),
    ("unknown", "알 수 없음", "unknown", "UNKNOWN"),
)
PERSONAL_DATA: Mapping[str, tuple[str, str]] = {
    "none": ("개인정보 없음", "no personal data"),
    "aggregated": ("집계되어 개인을 알아볼 수 없음", "aggregated, nobody can be told from it"),
    "pseudonymous": ("가명정보", "pseudonymous"),
}
"""What a publisher declares of people in the data. Other than ``none`` needs words on its basis."""

_FILE_TYPE = f"{AUTHORITY}/file-type"
FILE_TYPES: Mapping[str, FileType] = {
    "csv": FileType("csv", "text/csv", f"{_FILE_TYPE}/CSV"),
    "json": FileType("json", "application/json", f"{_FILE_TYPE}/JSON"),
    "parquet": FileType("parquet", "application/vnd.apache.parquet", f"{_FILE_TYPE}/PARQUET"),
    "ndjson": FileType("ndjson", "application/x-ndjson", f"{_FILE_TYPE}/JSON"),  # the list has none of its own
    "xlsx": FileType("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", f"{_FILE_TYPE}/XLSX"),
    "geojson": FileType("geojson", "application/geo+json", f"{_FILE_TYPE}/GEOJSON"),
}
"""In which data are served, and files are handed in."""
