"""Definitions of hotfixes as ``.yml`` files."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from orchestrator.adapters.articles.file_table import TableFile, build_table
from orchestrator.adapters.articles.table_row import Version
from orchestrator.documents.document import Document
from orchestrator.documents.validation import Matching, validate
from orchestrator.documents.yaml_text import load_yaml
from orchestrator.domain.hotfix import (
    ExposureRule,
    Hotfix,
    Platform,
    PlausibleWindow,
    Prerequisites,
    Provenance,
)

MAX_FREE_BYTES = 2**40  # more is a typing mistake

_STRICT = ConfigDict(extra="forbid", str_strip_whitespace=True)


def _article(text: Any) -> str:
    match = re.fullmatch(r"(?:KB)?(\d{5,7})", str(text).strip(), re.IGNORECASE)
    if match is None:
        raise ValueError("an article number such as KB903927")
    return f"KB{match[1]}"


Article = Annotated[str, BeforeValidator(_article)]
Sentence = Annotated[str, Field(min_length=1, max_length=2_000)]
Product = Annotated[
    str, Matching(r"[a-z0-9][a-z0-9.-]{0,63}", "a product such as lcs-2005-sp1")
]
ServiceName = Annotated[
    str, Matching(r"[A-Za-z0-9_$.-]{1,80}", "the short name of a service")
]
ProcessName = Annotated[
    str, Matching(r"[A-Za-z0-9_.-]{1,80}", "a process such as lsass.exe")
]
Language = Annotated[str, Matching(r"[A-Z]{3}", "a language code such as ENU")]
WindowsVersion = Annotated[
    str, Matching(r"\d{1,2}\.\d{1,2}\.\d{3,5}", "a version of Windows: 5.2.3790")
]


class PrerequisitesPart(BaseModel):
    """What must hold before the package may be installed."""

    model_config = _STRICT

    windows_version: WindowsVersion
    service_pack: Annotated[int, Field(ge=0, le=9)]
    free_bytes: Annotated[int, Field(ge=0, le=MAX_FREE_BYTES)]


class PlausiblePart(BaseModel):
    """Between which versions the table's rows are to be expected."""

    model_config = _STRICT

    above: Version
    below: Version
    reason: Sentence

    @model_validator(mode="after")
    def _has_room(self) -> PlausiblePart:
        if self.above >= self.below:
            raise ValueError("'above' to be less than 'below'")
        return self


class OriginPart(BaseModel):
    """Where a field's value was read."""

    model_config = _STRICT

    supplied_by: Sentence
    source: Sentence


class DefinitionFile(BaseModel):
    """A hotfix definition."""

    model_config = _STRICT

    article: Article
    title: Sentence
    products: list[Product]
    prerequisites: PrerequisitesPart
    restart_required: bool
    replaces: list[Article]
    languages: list[Language] = []
    platforms: list[Platform] = []
    symptom: Sentence
    exposure: ExposureRule
    services: list[ServiceName]
    evidence_processes: list[ProcessName] = []
    plausible: PlausiblePart | None = None
    file_table: TableFile | None = None
    provenance: dict[str, OriginPart]

    @model_validator(mode="after")
    def _has_provenance(self) -> DefinitionFile:
        """Each field says where it comes from, and nothing else does."""
        fields = set(type(self).model_fields) - {"provenance", "file_table", "article"}
        given = {name for name in fields if getattr(self, name) is not None}
        if lacking := sorted(given - set(self.provenance)):
            raise ValueError(f"provenance for every field; add {', '.join(lacking)}")
        if unknown := sorted(set(self.provenance) - fields):
            raise ValueError(f"provenance of known fields; remove {unknown[0]!r}")
        return self


def read_definition(text: str, file: str) -> Hotfix:
    """The hotfix that a definition file describes.

    Raises:
        BadInputError: it is malformed; each problem with its line and field.
    """
    document = load_yaml(text, file)
    return _hotfix(validate(DefinitionFile, document), document)


def _hotfix(model: DefinitionFile, document: Document) -> Hotfix:
    table = model.file_table
    window = model.plausible
    required = model.prerequisites
    return Hotfix(
        article=model.article,
        title=model.title,
        products=tuple(model.products),
        prerequisites=Prerequisites(
            required.windows_version, required.service_pack, required.free_bytes
        ),
        restart_required=model.restart_required,
        replaces=tuple(model.replaces),
        languages=tuple(model.languages),
        platforms=tuple(model.platforms),
        symptom=model.symptom,
        exposure=model.exposure,
        services=tuple(model.services),
        evidence_processes=tuple(model.evidence_processes),
        plausible=(
            PlausibleWindow(window.above, window.below, window.reason)
            if window
            else None
        ),
        file_table=build_table(table, document, ("file_table",)) if table else None,
        provenance={
            name: Provenance(origin.supplied_by, origin.source)
            for name, origin in model.provenance.items()
        },
    )
