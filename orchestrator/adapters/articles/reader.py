"""The reader of articles and definitions that use cases are given."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from orchestrator.adapters.articles.article_text import read_article
from orchestrator.adapters.articles.definition_file import read_definition
from orchestrator.adapters.articles.merging import complete
from orchestrator.application.ports.files import (
    ArticleDraft,
    CompleteDefinition,
    IncompleteDefinition,
)
from orchestrator.documents.document import read_text
from orchestrator.domain.hotfix import Hotfix

MAX_ARTICLE_BYTES = 1024 * 1024
_DEFINITIONS = files("orchestrator.adapters.articles") / "definitions"


class Articles:
    """Articles as text, and definitions as data."""

    def read(self, path: Path) -> ArticleDraft | Hotfix:
        """A ``.yml`` file is a definition, anything else the text of an article.

        Raises:
            BadInputError: the file is neither.
        """
        text = read_text(path, limit=MAX_ARTICLE_BYTES)
        if path.suffix.lower() in {".yml", ".yaml"}:
            return read_definition(text, path.name)
        return read_article(text, path.name)

    def shipped(self, article: str) -> Hotfix | None:
        """The definition that comes with the program, if there is one."""
        for entry in _DEFINITIONS.iterdir():
            if entry.name == f"{article}.yml":
                with as_file(entry) as path:
                    return read_definition(read_text(path), path.name)
        return None

    def complete(
        self, draft: ArticleDraft, base: Hotfix | None
    ) -> CompleteDefinition | IncompleteDefinition:
        """Lay what an article states over a definition of the same number."""
        return complete(draft, base)
