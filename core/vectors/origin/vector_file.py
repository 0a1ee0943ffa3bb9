"""Writes a vector file: one case a line, ASCII only, so that diffs are small and no
editor or terminal can change the odd characters some cases are made of."""

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any


def versions(*packages: str) -> str:
    """The interpreter and the packages a file was made with, as the origin note names them."""
    named = [f"{name} {version(name)}" for name in packages]
    return ", ".join([f"Python {platform.python_version()}", *named])


def write_vectors(path: Path, head: dict[str, Any], cases: list[dict[str, Any]]) -> None:
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    body = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path.write_text("{\n" + "\n".join(lines) + '\n"cases": [\n' + body + "\n]\n}\n", encoding="ascii")
    print(f"{path.name}: {len(cases)} cases, {path.stat().st_size} bytes")
