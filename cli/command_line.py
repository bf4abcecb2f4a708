"""Commands as a person would type them in this folder: the program's name, and `--data` where it is needed."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.options import DEFAULT_DATA


def program() -> str:
    """The name of this program if the shell finds it, else its path."""
    if shutil.which("leadflow"):
        return "leadflow"
    binary = Path(sys.executable).with_name("leadflow")
    try:
        return str(binary.relative_to(Path.cwd()))
    except ValueError:
        return str(binary)


def with_data(words: Sequence[str], data: Path) -> list[str]:
    """A command's words, with `--data` unless the folder is the default."""
    is_default = data.resolve() == DEFAULT_DATA.resolve()
    return [*words] if is_default else [*words, "--data", str(data)]


def command_line(words: Sequence[str], data: Path) -> str:
    """A whole command, quoted for the shell."""
    return shlex.join([program(), *with_data(words, data)])
