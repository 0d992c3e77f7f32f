"""The words that metadata are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api.blueprint import Blueprint
from gops.api.fields import Strict
from gops.catalog.licences import LICENCES
from gops.catalog.vocabularies import FREQUENCIES, PERSONAL_DATA, THEMES, Word

blueprint = Blueprint("vocabularies", __name__, description="Words of metadata: licences, themes, frequencies")


class WordOut(Strict):
    key = fields.String()
    name_ko = fields.String()
    name_en = fields.String()
    iri = fields.String(allow_none=True)


class LicenceOut(WordOut):
    attribution = fields.Boolean(metadata={"description": "the source must be named"})
    commercial = fields.Boolean(metadata={"description": "commercial use is allowed"})
    changes = fields.Boolean(metadata={"description": "changes are allowed"})
    share_alike = fields.Boolean(metadata={"description": "what is made of it goes under the same licence"})
    is_open = fields.Boolean(metadata={"description": "in the sense of the Open Definition"})


class Vocabularies(Strict):
    licences = fields.List(fields.Nested(LicenceOut))
    themes = fields.List(fields.Nested(WordOut))
    frequencies = fields.List(fields.Nested(WordOut))
    personal_data = fields.List(fields.Nested(WordOut))


@blueprint.route("/vocabularies")
class VocabulariesView(MethodView):
    @blueprint.response(200, Vocabularies)
    @blueprint.open()
    def get(self) -> Any:
        """List the words of metadata"""
        return {
            "licences": [
                {name: getattr(one, name) for name in LicenceOut().fields if hasattr(one, name)}
                | {"key": one.id, "name_ko": one.ko, "name_en": one.en}
                for one in LICENCES.values()
            ],
            "themes": _words(THEMES.values()),
            "frequencies": _words(FREQUENCIES.values()),
            "personal_data": [
                {"key": key, "name_ko": ko, "name_en": en, "iri": None} for key, (ko, en) in PERSONAL_DATA.items()
            ],
        }


def _words(words: Iterable[Word]) -> list[dict[str, Any]]:
    return [{"key": one.key, "name_ko": one.ko, "name_en": one.en, "iri": one.iri} for one in words]
