"""The HTML report: one file that asks nothing of anybody else."""

from __future__ import annotations

import base64
import hashlib
from typing import Final, TextIO

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.adapters.reports import view
from orchestrator.adapters.reports.details import details
from orchestrator.adapters.reports.graph import LEFT, MAX_DRAWN, RIGHT, WIDTH
from orchestrator.adapters.reports.inert import inert
from orchestrator.application.audit import AuditReport
from orchestrator.application.reporting import Surroundings

_PIECES: Final = 200  # written at once


def write_html(report: AuditReport, around: Surroundings, stream: TextIO) -> None:
    """Write the page, piece by piece."""
    environment = _environment()
    style = _source(environment, "report.css")
    script = _source(environment, "report.js")
    page = environment.get_template("report.html").stream(
        report=report,
        around=around,
        view=view,
        pictures=view.pictures(report, around),
        details=details(report, report.compliance.exposure_hours),
        style=style,
        script=script,
        policy=_policy(style, script),
        graph_width=WIDTH,
        graph_left=LEFT,
        graph_right=RIGHT,
        max_drawn=MAX_DRAWN,
    )
    page.enable_buffering(_PIECES)
    stream.writelines(page)


def _environment() -> Environment:
    """Templates in which every text is made inert, then escaped."""
    environment = Environment(
        loader=PackageLoader("orchestrator.adapters.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(moment=view.moment, age=view.age)
    return environment


def _shown(value: object) -> object:
    """Whatever a template shows, without anything that steers; markup is ours."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return inert(value)
    return value


def _source(environment: Environment, name: str) -> Markup:
    """A file of ours, as it stands."""
    if environment.loader is None:
        raise AssertionError("the environment was made with a loader")
    return Markup(environment.loader.get_source(environment, name)[0])  # noqa: S704 - our own file, without anything from outside


def _policy(style: str, script: str) -> str:
    """Only this very style and this very script count; nothing is fetched."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(style)}; script-src {_hash(script)}"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
