"""One offline HTML file from what was gathered: template, style and script inside it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ehpsbench
from ehpsbench.atomic import write_text
from ehpsbench.reports.given import Given
from ehpsbench.reports.section import Section, sections
from ehpsbench.reports.theme import palette_css

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")


def write_report(path: Path, *boards: Given) -> Path:
    """Write the page to `path`, whole; returns it."""
    write_text(path, page(*boards))
    return path


def page(*boards: Given) -> str:
    """The HTML of a report; equal data give equal text.

    Args:
        boards: what each board's sections are made from; the page opens with the first.
    """
    from markupsafe import Markup

    environment = _environment()
    parts = [(given, sections(given)) for given in boards]
    shown = [section for _, found in parts for section in found]
    script = _assets(shown, ".js")
    return environment.get_template("page.html.j2").render(
        title=boards[0].title,
        version=ehpsbench.__version__,
        style=Markup(palette_css() + _assets(shown, ".css")),
        script=Markup(script),
        policy=_policy(script),
        parts=[
            (given, [(section, _rendered(environment, given, section)) for section in found])
            for given, found in parts
        ],
    )


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["island"] = island
    return environment


def _rendered(environment: Environment, given: Given, section: Section) -> Any:
    from markupsafe import Markup

    template = environment.get_template(f"sections/{section.template}")
    text = template.render(given=given, section=section, prefix=given.prefix, **section.context)
    return Markup(text)


def island(value: Any) -> Any:
    """JSON for a script element, which nothing inside it can end."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(text)


def _assets(shown: Sequence[Section], suffix: str) -> str:
    """The page's own styles or scripts, then those of the sections on it."""
    stems = dict.fromkeys(section.template.partition(".")[0] for section in shown)
    paths = [
        *sorted(TEMPLATES.glob(f"*{suffix}")),
        *(TEMPLATES / "sections" / f"{stem}{suffix}" for stem in stems),
    ]
    return "\n".join(p.read_text(encoding="utf-8").strip() for p in paths if p.is_file())


def _policy(script: str) -> str:
    """What the page may do: show itself. No network, and no script but this one."""
    print_ = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{print_}'; base-uri 'none'; form-action 'none'"
    )
