"""A reader holds about one screen in mind: files, functions, nesting and constructors stay that small."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.tree import Module, classes, functions, modules

LINES_OF_A_FILE = 350
LINES_OF_A_FUNCTION = 50
NESTING = 3
COLLABORATORS = 5
SCALARS = {"int", "float", "str", "bool", "bytes", "None", "timedelta", "Path", "SecretStr", "Decimal"}
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def test_no_file_is_longer_than_350_lines() -> None:
    long = [f"{module.path}: {count}" for module in modules() if (count := module.text.count("\n")) > LINES_OF_A_FILE]
    assert long == []


def test_no_function_is_longer_than_50_lines() -> None:
    long = [
        f"{module.path}:{function.lineno} {function.name}: {length} lines"
        for module in modules()
        for function in functions(module)
        if (length := (function.end_lineno or function.lineno) - function.lineno + 1) > LINES_OF_A_FUNCTION
    ]
    assert long == []


def test_no_function_nests_deeper_than_three_blocks() -> None:
    deep = [
        f"{module.path}:{function.lineno} {function.name}: {depth} deep"
        for module in modules()
        for function in functions(module)
        if (depth := _depth(function.body)) > NESTING
    ]
    assert deep == []


def test_no_constructor_takes_more_than_five_collaborators() -> None:
    ports = {name for module in modules() for name in _ports(module)}
    crowded = [
        f"{module.path}:{made.lineno} {made.name}: {', '.join(taken)}"
        for module in modules()
        for made in classes(module)
        if len(taken := _collaborators(made, ports)) > COLLABORATORS
    ]
    assert crowded == []


def _depth(body: list[ast.stmt]) -> int:
    return max((_depth_of(statement) for statement in body), default=0)


def _depth_of(statement: ast.stmt) -> int:
    if isinstance(statement, OWN_SCOPE):
        return 0
    inner = max((_depth(branch) for branch in _branches(statement)), default=0)
    # `elif` is an If alone in an else: it reads as a sibling, not as one level more.
    chained = _depth(_elif(statement))
    return max(inner + isinstance(statement, BLOCKS), chained)


def _branches(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        branch = getattr(statement, field, [])
        if branch is not _elif(statement):
            yield branch
    for case in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield case.body


def _elif(statement: ast.stmt) -> list[ast.stmt]:
    if not isinstance(statement, ast.If) or len(statement.orelse) != 1:
        return []
    return statement.orelse if isinstance(statement.orelse[0], ast.If) else []


def _ports(module: Module) -> Iterator[str]:
    """The module's Protocols, and its aliases of Callable: what a collaborator's annotation can name."""
    for made in classes(module):
        if any(ast.unparse(base).split("[")[0] == "Protocol" for base in made.bases):
            yield made.name
    for statement in module.tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.value).startswith("Callable["):
            yield ast.unparse(statement.targets[0])


def _collaborators(made: ast.ClassDef, ports: set[str]) -> list[str]:
    for statement in made.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            given = statement.args
            named = [argument for argument in given.kwonlyargs if not _is_scalar(argument.annotation)]
            return [argument.arg for argument in (*given.posonlyargs, *given.args, *named) if argument.arg != "self"]
    if not any("dataclass" in ast.unparse(decorator) for decorator in made.decorator_list):
        return []
    fields = (statement for statement in made.body if isinstance(statement, ast.AnnAssign))
    return [ast.unparse(field.target) for field in fields if _names(field.annotation) & (ports | {"Callable"})]


def _is_scalar(annotation: ast.expr | None) -> bool:
    return annotation is not None and _names(annotation) <= SCALARS


def _names(annotation: ast.expr) -> set[str]:
    parts = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
    return parts | {"None" for node in ast.walk(annotation) if isinstance(node, ast.Constant) and node.value is None}
