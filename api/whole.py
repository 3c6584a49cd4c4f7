"""A file that another process reads is written whole or not at all."""

import os
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Puts a text in the place of what the file held; a reader meets the one or the other, also after a crash."""
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_name(f".{file.name}-{os.getpid()}")
    with written.open("w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    written.replace(file)
