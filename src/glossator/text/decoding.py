"""Bytes of a text file to lines of text: byte order marks, encodings, gzip, pipes."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias, cast

from glossator.errors import ConfigError, TableError, did_you_mean
from glossator.text.encodings import encoding_of, is_utf8

__all__ = ["AUTO", "LINE_LIMIT", "Packing", "Source", "check_file"]

Packing: TypeAlias = Literal["", "gz", "zst"]

_HEAD_LINES, _HEAD_CHARACTERS = 100, 2**20  # looked at to find out how a file is written
AUTO = "auto"
LINE_LIMIT = 64 * 2**20  # characters; a file without line ends must not fill the memory

# Controls but for white space and the escapes of terminals.
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_CONTROLS = re.compile("[\x80-\x9f]")
_AS_LATIN = (
    "as latin-1 the text holds control characters (U+0080 to U+009F), which are letters and "
    "quotes in the encoding of Windows: --encoding cp1252"
)

# UTF-32 stands before UTF-16: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
# Its magic number and the one method of compression there is (RFC 1952, section 2.3.1).
_GZIP = b"\x1f\x8b\x08"
_BROKEN_GZIP = (EOFError, zlib.error, gzip.BadGzipFile)


class Source:
    """A text file, or standard input for `-`, as lines of text.

    Args:
        path: a file, or `-`.
        packing: what the bytes are packed by; gzip is also told by its first bytes.
        encoding: a name that Python knows; None is UTF-8; `auto` is UTF-8 or what decodes the
            whole file. A byte order mark wins over it.
        notes: receives what was found worth saying, each once.

    Raises:
        ConfigError: Python knows no text encoding of that name.
        TableError: the file is missing, a folder, or may not be read; `auto` was asked for and
            no encoding decodes the file, or it is a pipe.
    """

    def __init__(
        self, path: str, *, packing: Packing, encoding: str | None, notes: list[str]
    ) -> None:
        self.name = "standard input" if path == "-" else path
        self._packing = packing
        self._encoding = _checked(encoding)
        self._notes = notes
        self._path = None if path == "-" else check_file(path)
        self.once = self._path is None or not self._path.is_file()  # a pipe is read once
        if self._encoding == AUTO:
            self._encoding = self._detected()
        self.encoding = self._encoding or "utf-8"
        self._head: list[str] | None = None
        self._rest: Iterator[str] = iter(())

    def note(self, text: str, detail: str = "") -> None:
        """Add a note, unless one that begins with `text` is there, as from an earlier reading."""
        note = f"{self.name}: {text}"
        if not any(earlier.startswith(note) for earlier in self._notes):
            self._notes.append(note + detail)

    def note_blank(self, line: int) -> None:
        """Note that blank lines are no rows; once, with the first of them."""
        self.note("blank lines are skipped", f"; the first is line {line}")

    def head(self) -> list[str]:
        """The first lines, which the next reading yields again, were it of a pipe."""
        if self._head is None:
            self._rest = self._lines("")
            self._head, characters = [], 0
            for line in self._rest:
                self._head.append(line)
                characters += len(line)
                if len(self._head) == _HEAD_LINES or characters > _HEAD_CHARACTERS:
                    break
        return self._head

    def blocks(self) -> Iterator[bytes]:
        """The bytes of a file, unpacked, in large pieces."""
        # What is damaged is told, with its line, by a reading.
        with self._open() as binary, contextlib.suppress(*_BROKEN_GZIP, OSError):
            while block := binary.read(2**20):
                yield block

    def pieces(self, size: int) -> Iterator[str]:
        """Yield the text in pieces of at most `size` characters, none beyond a line end."""
        return self._lines("\n", size)

    def lines(self, newline: str) -> Iterator[str]:
        r"""Yield lines with their ends, from the first; see `_lines`."""
        if self.once and self._head is not None:
            return chain(self._head, self._rest)
        return self._lines(newline)

    def _lines(self, newline: str, limit: int | None = None) -> Iterator[str]:
        r"""Yield lines with their ends; `newline` is `""` (\n, \r and \r\n end a line) or `"\n"`.

        Raises:
            TableError: the file is empty, is no text in its encoding, starts with NUL bytes, is a
                gzip file that is damaged or cut short, or a line is longer than `LINE_LIMIT`.
        """
        number, latin = 0, self.encoding == "iso8859-1"
        try:
            with self._open() as binary, self._decoder(binary, newline) as reader:
                while line := reader.readline(limit or LINE_LIMIT):
                    number += 1
                    if number == 1 or len(line) == LINE_LIMIT:
                        self._check(line, number)
                    if number == 1:
                        line = line.removeprefix("\ufeff")
                    if limit and line[-1:] != "\n":
                        number = max(1, number - 1)
                    if latin and not line.isascii() and _CONTROLS.search(line):
                        self.note(_AS_LATIN, f"; the first is in line {number}")
                    if line:
                        yield line
        except UnicodeDecodeError as error:
            raise self._undecodable(error, number, newline) from None
        except UnicodeError as error:  # UTF-16 asked for, and the file has no byte order mark
            message = f"{error}; name the byte order: --encoding utf-16-le or utf-16-be"
            raise TableError(message, file=self.name, line=number + 1) from None
        except _BROKEN_GZIP as error:
            message = f"the gzip file is damaged or cut short ({error})"
            raise TableError(message, file=self.name, line=number + 1) from None
        except OSError as error:
            if self._packing != "zst" or error.errno is not None:
                raise
            message = f"the zstd file is damaged or cut short ({error})"
            raise TableError(message, file=self.name, line=number + 1) from None
        if number == 0:
            raise TableError("the file is empty", file=self.name)

    @contextlib.contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        with contextlib.ExitStack() as stack:
            if self._path is None:
                raw = sys.stdin.buffer
            else:
                raw = stack.enter_context(_opened(self._path))
            if self._packing == "gz" or self._is_gzip(raw):
                raw = cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=raw)))
            elif self._packing == "zst":
                raw = cast(BinaryIO, io.BufferedReader(_Unpacked(raw)))
            yield raw

    def _is_gzip(self, raw: BinaryIO) -> bool:
        """Whether bytes of which no name says so are gzip, as on standard input."""
        found = not self._packing and cast(io.BufferedReader, raw).peek(3).startswith(_GZIP)
        if found:
            self.note("read as gzip, as its first bytes say")
        return found

    @contextlib.contextmanager
    def _decoder(self, binary: BinaryIO, newline: str) -> Iterator[io.TextIOWrapper]:
        reader = io.TextIOWrapper(binary, encoding=self._sniff(binary), newline=newline)
        try:
            yield reader
        finally:
            reader.detach()  # standard input stays open

    def _detected(self) -> str | None:
        """The encoding that decodes the whole file; None where that is UTF-8, or has a mark."""
        if self.once:
            message = (
                "--encoding auto looks at the whole of a file; save it to one, or name its own"
            )
            raise TableError(message, file=self.name)
        head = next(iter(self.blocks()), b"")
        if any(head.startswith(mark) for mark, _ in _MARKS) or is_utf8(self.blocks):
            return None
        found = encoding_of(self.blocks)
        if found is None:
            message = "no encoding was found that decodes the whole file; name it: --encoding"
            raise TableError(message, file=self.name)
        self.note(f"read as {found}, which decodes the whole file")
        return found

    def _advice(self) -> str | None:
        """What to type to read the file, were it in another encoding."""
        found = None if self.once else encoding_of(self.blocks)
        return found and f"{found} decodes the whole file and gives letters: --encoding {found}"

    def _sniff(self, binary: BinaryIO) -> str:
        """The encoding that the byte order mark names, or else the one asked for."""
        head = cast(io.BufferedReader, binary).peek(4)
        for mark, name in _MARKS:
            if head.startswith(mark):
                self.note(f"read as {name}, as its byte order mark says")
                if self._encoding and not self._encoding.startswith(name.lower()):
                    self.note(f"the encoding {self._encoding} that was asked for was not used")
                self.encoding = name.lower()
                return name
        return self.encoding

    def _check(self, line: str, number: int) -> None:
        if number == 1 and "\0" in line:
            advice = self._advice() or ""
            message = (
                "NUL bytes: not a text file, or UTF-16 without a byte order mark (then name it: "
                f"--encoding utf-16-le){'; ' * bool(advice)}{advice}"
            )
            raise TableError(message, file=self.name, line=number)
        if len(line) == LINE_LIMIT and line[-1] not in "\r\n":
            message = f"a line is longer than {LINE_LIMIT} characters; is this a file of texts?"
            raise TableError(message, file=self.name, line=number)

    def _undecodable(self, error: UnicodeDecodeError, number: int, newline: str) -> TableError:
        before = error.object[: error.start].decode(error.encoding, "ignore")
        ends = re.findall(r"\n" if newline else r"\r\n?|\n", before)
        advice = self._advice()
        if advice is None:
            advice = "name the file's encoding, e.g. --encoding cp1252"
            if _BINARY.search(error.object):
                advice = f"bytes beside it are of no text: is this a text file? If so, {advice}"
        chinese = "" if "gb18030" in advice else ", or --encoding gb18030 for Chinese"
        message = (
            f"byte 0x{error.object[error.start]:02x} is not {error.encoding.upper()} "
            f"({error.reason}); {advice}{chinese}"
        )
        return TableError(message, file=self.name, line=number + 1 + len(ends))


def check_file(path: str) -> Path:
    """The path of a file to read.

    Raises:
        TableError: it is missing (naming the nearest name there), is a folder, or cannot be seen.
    """
    file = Path(path)
    try:
        if file.is_dir():
            raise TableError("is a folder; name the files in it", file=path)
        if not file.exists():
            names = [other.name for other in file.parent.iterdir()] if file.parent.is_dir() else []
            raise TableError("there is no such file" + did_you_mean(file.name, names), file=path)
    except OSError as error:
        raise TableError(f"cannot be read: {error.strerror}", file=path) from None
    return file


class _Unpacked(io.RawIOBase):
    """What a zstd file of one or more frames holds; a torn one is an OSError without a number.

    The library's own reader takes the end of a torn file for that of its text.
    """

    def __init__(self, raw: BinaryIO):
        import zstandard

        self._zstandard = zstandard
        self._raw, self._left = raw, b""
        self._frame: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and (packed := self._raw.read(2**16)):
            self._left = self._unpack(packed)
        if not self._left and self._frame is not None:
            raise OSError("it ends inside a frame")
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count

    def _unpack(self, packed: bytes) -> bytes:
        texts = []
        while packed:
            frame = self._frame or self._zstandard.ZstdDecompressor().decompressobj()
            try:
                texts.append(frame.decompress(packed))
            except self._zstandard.ZstdError as error:
                raise OSError(str(error)) from None
            self._frame, packed = (None, frame.unused_data) if frame.eof else (frame, b"")
        return b"".join(texts)


def _opened(path: Path) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise TableError(f"cannot be read: {error.strerror}", file=path) from None


def _checked(encoding: str | None) -> str | None:
    if encoding is None or encoding == AUTO:
        return encoding
    try:
        b"a".decode(encoding, "replace")
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        message = f"unknown encoding '{encoding}'; common ones: utf-8, latin-1, gb18030, utf-16"
        raise ConfigError(message) from None
