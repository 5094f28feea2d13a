"""What DESIGN.md asks of the code itself: imports downward, no state in modules, small files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "einsumgrad"
ORDER = (
    "record", "diagnostics", "ir", "syntax", "data_faults", "check", "reflect", "wrt", "arrays",
    "derive", "rewrite", "pipeline", "plan", "engines", "tune", "fused", "emit", "steps", "initial",
    "evaluate", "explain", "verify", "cost", "peers", "session", "directions", "api", "bench",
    "optimizers", "train", "cli", "__main__", "__init__",
)  # fmt: skip
"""The line from text to arrays, then what is built on it: each imports only what is left of it."""

FILES = tuple(sorted(PACKAGE.rglob("*.py")))
TESTS = tuple(sorted((ROOT / "tests").rglob("*.py")))
MUTATORS = frozenset(
    ["add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove",
     "setdefault", "sort", "update", "write"]
)  # fmt: skip
CACHED = {
    "grammar": "the parser of a file that does not change",
    "reader": "that parser's tables, as they are run",
    "_nearby": "the slips of the names in the tables of functions and operators",
}
MAX_FILE, MAX_FUNCTION = 300, 60


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def files(paths: tuple[Path, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[name_of(path) for path in paths])


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def stage_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """The stages that a file imports, inside functions too."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "einsumgrad" and len(parts) > 1 and is_module(parts[1]):
                yield parts[1]


def is_module(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists()


@files(FILES)
def test_imports_go_downward(path: Path) -> None:
    own = ORDER.index(stage_of(path))
    above = {name for name in imported(path) if ORDER.index(name) > own}
    assert not above, f"{name_of(path)} imports {above}, which come after it"


def test_every_stage_has_a_place_in_the_order() -> None:
    assert {stage_of(path) for path in FILES} <= set(ORDER)
    assert len(ORDER) == len(set(ORDER))


@files(FILES)
def test_modules_hold_no_state(path: Path) -> None:
    """No function changes what a module holds; only constants are cached."""
    module = tree_of(path)
    cached = {
        node.name
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and any(map(caches, node.decorator_list))
    }
    assert cached <= set(CACHED), f"{name_of(path)} caches {cached - set(CACHED)}"
    held = {name for node in module.body for name in assigned(node)}
    found = [
        f"line {node.lineno}"
        for function in ast.walk(module)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for outer in [held - local_names(function)]  # once, not for every node
        for node in ast.walk(function)
        if changes(node, outer)
    ]
    assert not found, f"{name_of(path)} changes a module's own names: {found}"


def assigned(node: ast.AST) -> Iterator[str]:
    """The names that a statement binds to a value."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.For):
        targets = [node.target]
    for target in targets:
        yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))


def local_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    arguments = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    stored = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return arguments | stored


def changes(node: ast.AST, held: set[str]) -> bool:
    match node:
        case ast.Global():
            return True
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return name in held
        case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return name in held
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
            return name in held and method in MUTATORS
        case _:
            return False


def caches(decorator: ast.expr) -> bool:
    """Whether results are kept beyond their objects; a cached property lives as long as its own."""
    names = {n.id for n in ast.walk(decorator) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(decorator) if isinstance(n, ast.Attribute)}
    return bool(names & {"cache", "lru_cache"})


def test_the_test_for_state_sees_it() -> None:
    for line in ("SEEN.append(1)", "SEEN[0] = 1", "del SEEN[0]", "SEEN.name = 1"):
        module = ast.parse(f"SEEN = []\ndef f():\n    {line}\n")
        assert any(changes(node, {"SEEN"}) for node in ast.walk(module.body[1])), line
    module = ast.parse("def f():\n    SEEN = []\n    SEEN.append(1)\n")
    function = module.body[0]
    assert isinstance(function, ast.FunctionDef)
    assert "SEEN" in local_names(function)


@files(FILES)
def test_nothing_reads_the_environment(path: Path) -> None:
    """Only the command line may."""
    if stage_of(path) not in ("cli", "__main__"):
        names = {n.attr for n in ast.walk(tree_of(path)) if isinstance(n, ast.Attribute)}
        assert not names & {"environ", "getenv"}


@files(FILES)
def test_nothing_prints(path: Path) -> None:
    calls = [n.func for n in ast.walk(tree_of(path)) if isinstance(n, ast.Call)]
    assert not any(isinstance(f, ast.Name) and f.id == "print" for f in calls)


@files((*FILES, *TESTS))
def test_files_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE
    long = [
        node.name
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= MAX_FUNCTION
    ]
    assert not long, f"{name_of(path)}: {long}"


@files(FILES)
def test_every_file_says_what_it_is_and_silences_nobody(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(tree_of(path)), f"{name_of(path)} says nothing about itself"
    assert "type: ignore" not in text
    assert "noqa" not in text
