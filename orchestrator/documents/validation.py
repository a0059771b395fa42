"""Documents checked against pydantic models, with every problem in one error."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import (
    BaseModel,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from orchestrator.application.ports.files import BadInputError, Problem
from orchestrator.documents.document import Document, Location, shown

Model = TypeVar("Model", bound=BaseModel)

#: How pydantic begins a sentence that here begins with "expected".
_OPENING = re.compile(r"^(?:Value error, |\w+ should (?:be|have) )")


@dataclass(frozen=True, slots=True)
class Matching:
    """Marks a text field that must match a pattern, and says so in words."""

    pattern: str
    wanted: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check after pydantic's own checks of the type."""
        return no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Publish the pattern."""
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}

    def _check(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise ValueError(self.wanted)
        return text


def validate(model: type[Model], document: Document, *, secret: bool = False) -> Model:
    """Check a document against a model.

    Args:
        model: what the data must look like.
        document: the data.
        secret: never repeat a value of the document in an error.

    Raises:
        BadInputError: every problem that was found, each with line and field.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = [_problem(model, document, entry) for entry in error.errors()]
    if secret:
        problems = [
            Problem(found.where, "a value that does not fit", found.expected)
            for found in problems
        ]
    raise BadInputError(document.file, in_order(problems)) from None


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems by the line they stand on."""

    def line(problem: Problem) -> int:
        digits = problem.where.partition(",")[0].removeprefix("line ")
        return int(digits) if digits.isdecimal() else 0

    return sorted(problems, key=line)


def _problem(
    model: type[BaseModel], document: Document, entry: Mapping[str, Any]
) -> Problem:
    location: Location = entry["loc"]
    match entry["type"]:
        case "missing":
            where = document.where(location[:-1])
            return Problem(where, "nothing", f"a value for {location[-1]!r}")
        case "extra_forbidden":
            found = shown(location[-1])
            hint = _similar(str(location[-1]), _names(model))
            return Problem(document.where(location), found, "a known field", hint)
        case _:
            expected = _OPENING.sub("", str(entry["msg"])).partition(", unable")[0]
            return Problem(document.where(location), shown(entry["input"]), expected)


def _names(model: type[BaseModel]) -> set[str]:
    """The field names that a model and the models in it know."""
    schema = model.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    return {name for part in models for name in part.get("properties", {})}


def _similar(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]!r}?" if close else "remove it"
