"""Names say what a thing is in the business; words that fit anything say nothing, so they are refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.tree import ROOMS, Module, classes, functions, modules

EMPTY_CLASS_NAME = re.compile(r"^Abstract|(Manager|Helpers?|Utils?|Impl|DTO|Dto)$")
EMPTY_MODULE_NAME = re.compile(r"^(utils?|helpers?|common|misc|base|\w+_(utils?|helpers?|manager|impl|dto))$")
EMPTY_VARIABLE_NAMES = {"data", "info"}
EMPTY_FUNCTION_NAMES = {"process"}
LINES_OF_AN_OPENING = 4
# The glossary of the whole house, which DESIGN puts exactly here.
GLOSSARY = "domain/__init__.py"


def test_no_class_has_a_name_that_says_nothing() -> None:
    assert (
        _named(
            (module, made.name, made.lineno)
            for module in modules()
            for made in classes(module)
            if EMPTY_CLASS_NAME.search(made.name)
        )
        == []
    )


def test_no_module_has_a_name_that_says_nothing() -> None:
    names = (part for module in modules() for part in module.path.removesuffix(".py").split("/"))
    assert sorted({name for name in names if EMPTY_MODULE_NAME.match(name)}) == []


def test_no_function_has_a_name_that_says_nothing() -> None:
    assert (
        _named(
            (module, function.name, function.lineno)
            for module in modules()
            for function in functions(module)
            if function.name in EMPTY_FUNCTION_NAMES
        )
        == []
    )


def test_no_variable_argument_or_field_has_a_name_that_says_nothing() -> None:
    assert (
        _named(
            (module, name, line)
            for module in modules()
            for name, line in _given(module)
            if name in EMPTY_VARIABLE_NAMES
        )
        == []
    )


def test_every_module_opens_with_one_to_four_lines_on_why_it_exists() -> None:
    unopened = [module.path for module in modules() if module.text.strip() and not _opens_well(module)]
    assert unopened == []


def test_every_room_says_its_rule_in_its_package() -> None:
    said = {
        module.room
        for module in modules()
        if module.path.count("/") == 1 and module.path.endswith("__init__.py") and ast.get_docstring(module.tree)
    }
    assert set(ROOMS) - said == set()


def test_every_test_is_named_as_a_sentence() -> None:
    short = [
        f"{module.path}:{function.lineno} {function.name}"
        for module in modules()
        for function in functions(module)
        if module.room == "tests" and function.name.startswith("test_") and function.name.count("_") < 4
    ]
    assert short == []


def test_every_type_in_the_glossary_is_there() -> None:
    (glossary,) = (module for module in modules() if module.path == GLOSSARY)
    here = [line.split("|")[2] for line in glossary.text.splitlines() if line.startswith("| ")][1:]
    types = {word for cell in here for word in re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)*\b", cell)} - {"Acerto"}
    made = {made.name for module in modules() if module.path.startswith("domain/") for made in classes(module)}
    assert len(types) > 10
    assert types - made == set()


def _opens_well(module: Module) -> bool:
    opening = ast.get_docstring(module.tree) or ""
    return bool(opening) and (opening.count("\n") < LINES_OF_AN_OPENING or module.path == GLOSSARY)


def _given(module: Module) -> Iterator[tuple[str, int]]:
    """Every name that the module gives to a variable, an argument or an attribute, with its line."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name, node.lineno


def _named(found: Iterator[tuple[Module, str, int]]) -> list[str]:
    return [f"{module.path}:{line} {name}" for module, name, line in found]
