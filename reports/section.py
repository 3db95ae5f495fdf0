"""A section of the report, and the list of them: every module in sections/ is one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ehpsbench.reports.given import Given


@dataclass(frozen=True, slots=True)
class Section:
    """What one partial template is given.

    Attributes:
        id: anchor on the page; the board's prefix is put before it.
        title: heading, and entry of the menu where there is no shorter one.
        template: file in templates/sections/; a .css and a .js of the same stem go into the page.
        context: names that the template uses, beside `given`, `section` and `prefix`.
        menu: entry of the menu, shorter than the title.
    """

    id: str
    title: str
    template: str
    context: Mapping[str, Any]
    menu: str = ""


def sections(given: Given) -> list[Section]:
    """The sections that have something to show, by the `ORDER` of their modules."""
    made = [module.section(given) for module in _modules()]
    return [section for section in made if section is not None]


def _modules() -> list[ModuleType]:
    """The modules of sections/; each has `ORDER` and `section(given) -> Section | None`."""
    from ehpsbench.reports import sections as folder

    names = [found.name for found in pkgutil.iter_modules(folder.__path__)]
    modules = [importlib.import_module(f"{folder.__name__}.{name}") for name in names]
    return sorted(modules, key=lambda module: (int(module.ORDER), module.__name__))
