"""A user's own code, named on the command line: package.module:Name or path/file.py:name."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from evenfit.errors import ConfigError, EvenfitError

Given = TypeVar("Given")

_HERE = str(Path(__file__).parent.parent)
_FILES: dict[Path, ModuleType] = {}  # those that have been imported, each once, however often it is named


@contextmanager
def user_code(*names: str) -> Iterator[None]:
    """Let the modules of such names find their neighbours, and keep what they print off standard output.

    As with ``python -m``, the working directory comes first; before it the folder of a file that is named.
    """
    files = [Path(_home(name)).resolve() for name in names if _home(name).endswith(".py")]
    before, modules = list(sys.path), dict(_FILES)
    sys.path[:0] = [*dict.fromkeys(str(file.parent) for file in files), str(Path.cwd())]
    importlib.invalidate_caches()
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path[:] = before
        for file in _FILES.keys() - modules.keys():
            sys.modules.pop(_FILES.pop(file).__name__, None)


def check_name(name: str, *, option: str = "") -> str:
    """Give the name.

    Raises:
        ConfigError: it has no module, or no name in it.
    """
    home, _, attribute = name.rpartition(":")
    if not home or not all(part.isidentifier() for part in attribute.split(".")):
        raise ConfigError(
            f"{option or 'the model'} must be named as package.module:Name or path/file.py:name; got {name!r}"
        )
    return name


def load(name: str) -> Any:
    """Import a module, which runs its code, and give what it holds under a name.

    Raises:
        ConfigError: there is no such module or name; or its code fails, with the line that failed.
    """
    home, _, attribute = check_name(name).rpartition(":")
    found: Any = run(lambda: _module(home), doing=f"importing {home}")
    for part in attribute.split("."):
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, [each for each in dir(found) if not each.startswith("_")], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"{home} has no {attribute!r}{hint}")
        found = getattr(found, part)
    return found


def run(call: Callable[[], Given], *, doing: str) -> Given:
    """Call a user's code.

    Raises:
        ConfigError: it fails; the message is one line with the file and the line that failed.
    """
    try:
        return call()
    except EvenfitError:
        raise
    except SyntaxError as error:
        raise ConfigError(f"{doing}: {error.filename}:{error.lineno}: SyntaxError: {error.msg}") from error
    except (Exception, SystemExit) as error:  # whatever a user's code raises
        said = " ".join(str(error).split())
        raise ConfigError(f"{doing}: {_place(error)}{type(error).__name__}{f': {said}' if said else ''}") from error


def _module(home: str) -> ModuleType:
    """Import a module by its name or its file."""
    if not home.endswith(".py"):
        try:
            return importlib.import_module(home)
        except ModuleNotFoundError as error:
            if error.name and (home == error.name or home.startswith(f"{error.name}.")):
                where = "in the working directory or among the installed packages"
                raise ConfigError(f"there is no module {error.name!r} {where}") from error
            raise
    path = Path(home)
    if not path.is_file():
        raise ConfigError(f"there is no file {home}")
    file = path.resolve()
    if file not in _FILES:
        _FILES[file] = _imported(file)
    return _FILES[file]


def _imported(file: Path) -> ModuleType:
    """Import a file under its own name, or another if that is taken."""
    name = file.stem if file.stem not in sys.modules else f"{file.stem}_{len(sys.modules)}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and inspect look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _home(name: str) -> str:
    return name.rpartition(":")[0]


def _place(error: BaseException) -> str:
    """Give the innermost line of a traceback that is no library's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        each
        for each in frames
        if "site-packages" not in each.filename and not each.filename.startswith((sys.base_prefix, _HERE, "<"))
    ]
    if not own:
        return ""
    file = Path(own[-1].filename)
    short = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return f"{short}:{own[-1].lineno}: "
