"""CSV read line by line: text in UTF-8 with a header, or the reason why it is not."""

import codecs
import csv
import io
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import IO

LONGEST_LINE = 1_000_000
"""In characters; a longer one is no line of a table, and would be held in memory several times over."""


class Malformed(Exception):
    """Why a file is no table of the wanted columns."""


def parse(content: IO[bytes], columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The rows of a CSV with a header, each in the order of the columns; `Malformed` says what is wrong and in which line."""
    with closing(read(content)) as lines:
        _, header = next(lines)
        if sorted(header) != sorted(columns):
            if not header and next(lines, None) is None:
                raise Malformed("it is empty")
            found = ", ".join(header) or "nothing"
            raise Malformed(f"its header is {found[:200]!r}, wanted the columns {', '.join(columns)}")
        order = [header.index(name) for name in columns]
        return [tuple(fields[place] for place in order) for _, fields in lines]


def read(content: IO[bytes]) -> Generator[tuple[int, list[str]]]:
    """The header, which may be empty, and each row with as many fields; before each the number of the line it ends in."""
    text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    reader = csv.reader(_lines(text), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        yield reader.line_num, header
        for fields in reader:
            if not fields:
                continue
            if header and len(fields) != len(header):
                raise Malformed(f"line {reader.line_num} has {len(fields)} fields, wanted {len(header)}")
            yield reader.line_num, fields
    except csv.Error as error:
        raise Malformed(f"line {reader.line_num} is no CSV: {error}") from error
    except UnicodeDecodeError as error:
        raise Malformed(f"line {_first_not_utf8(content)} is not UTF-8; save it as UTF-8") from error
    finally:
        text.detach()


def _lines(text: IO[str]) -> Iterator[str]:
    """The lines with their ends; never more than one of them in memory."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if "\0" in line:
            raise Malformed(f"line {number} has a NUL byte, so it is not text; wanted CSV in UTF-8")
        if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
            raise Malformed(f"line {number} is longer than {LONGEST_LINE} characters; is this CSV?")
        yield line


def _first_not_utf8(content: IO[bytes]) -> int:
    """The number of the first line that cannot be decoded; text is decoded ahead of the line that is read."""
    content.seek(0)
    number, decoder = 1, codecs.getincrementaldecoder("utf-8")()
    while piece := content.readline(LONGEST_LINE):
        try:
            decoder.decode(piece)
        except UnicodeDecodeError:
            break
        number += piece.endswith(b"\n")
    return number
