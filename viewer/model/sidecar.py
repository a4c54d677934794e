"""The index kept for next time, beside the user's other caches: used only if it fits, never needed.

It holds the columns as they lie in memory, so loading it is mapping it: no private memory.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from viewer.model import kept
from viewer.model.counts import Counts
from viewer.model.reader import Damage, Reader
from viewer.model.source import MIB, FileSource
from viewer.model.store import TYPES, Array, Codes, Store

_KEPT_FILES: Final = 32
_MANY: Final = 100_000
"""Events; the columns of fewer take no more memory than the rest of us."""


def save(reader: Reader, store: Store, codes: Codes, counts: Callable[[], Counts]) -> bool:
    """Keep the index of a big plain file, and let its columns live there instead of in memory.

    A cache that cannot be written is none: only False is returned.
    """
    source = reader.source
    if not isinstance(source, FileSource) or source.path is None or source.size() < kept.FLOOR:
        return False
    with contextlib.suppress(OSError, ValueError):
        path = kept.path_for(source.path)
        stamp = {
            "whole": source.size(),
            "mtime": source.path.stat().st_mtime_ns,
            "size": reader.position,
            "ends": kept.ends(source.read, reader.position),
            "counts": asdict(counts()),
        }
        _write(path, stamp, _facts(reader, store, codes), store)
        _prune(path.parent, keep=path)
        with path.open("rb") as file:
            facts = _header(file)
            store.adopt(_mapped(file, facts), store.count)
        return True
    return False


def put_aside(store: Store) -> None:
    """Let the columns of a big index live in a file without a name instead of in memory."""
    if store.count < _MANY:
        return
    with contextlib.suppress(OSError, ValueError), tempfile.TemporaryFile() as file:
        _write_columns(file, store)
        file.flush()
        file.seek(0)
        store.adopt(_mapped(file, {"count": store.count, "types": _types(store)}), store.count)


def load(reader: Reader, store: Store, codes: Codes) -> bool:
    """Take over the kept index of `reader`'s file if the file is still that one, or only longer."""
    source = reader.source
    if not isinstance(source, FileSource) or source.path is None or source.size() < kept.FLOOR:
        return False
    try:
        path = kept.path_for(source.path)
        with path.open("rb") as file:
            facts = _header(file)
            if not _fits(facts, source):
                return False
            arrays = _mapped(file, facts)
        _check(arrays, facts)
        codes.restore(
            [(str(a), str(b), str(c)) for a, b, c in facts["sorts"]],
            [str(name) for name in facts["names"]],
            [(int(file), int(pid)) for file, pid in facts["processes"]],
        )
        reader.damage = [Damage(**damage) for damage in facts["damage"]]
        reader.position, reader.lines = facts["position"], facts["lines"]
        reader.last_ts = facts["last_ts"]
        store.adopt(arrays, facts["count"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return False
    return True


def _facts(reader: Reader, store: Store, codes: Codes) -> dict[str, Any]:
    return {
        "count": store.count,
        "position": reader.position,
        "lines": reader.lines,
        "last_ts": reader.last_ts,
        "damage": [asdict(damage) for damage in reader.damage],
        "sorts": codes.sorts,
        "names": codes.names,
        "processes": codes.processes,
        "types": _types(store),
    }


def _types(store: Store) -> dict[str, str]:
    return {name: store.array(name).dtype.str for name in TYPES}


def _fits(facts: dict[str, Any], source: FileSource) -> bool:
    """Tell whether the file is what it was when it was indexed, or that and more."""
    assert source.path is not None
    size = source.size()
    if size == facts["whole"] and source.path.stat().st_mtime_ns != facts["mtime"]:
        return False
    return bool(size >= facts["whole"]) and kept.ends(source.read, facts["size"]) == facts["ends"]


def _write(path: Path, stamp: dict[str, Any], facts: dict[str, Any], store: Store) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    head = kept.MAGIC + json.dumps(stamp).encode() + b"\n" + json.dumps(facts).encode() + b"\n"
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(head)
            _write_columns(file, store)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_columns(file: IO[bytes], store: Store) -> None:
    for column in TYPES:
        file.write(b"\0" * (-file.tell() % 64))
        file.write(np.ascontiguousarray(store[column]).data)


def _header(file: IO[bytes]) -> dict[str, Any]:
    stamp = kept.stamp(file)
    facts = json.loads(file.readline(256 * MIB))
    if not isinstance(facts, dict):
        raise ValueError("not an index")
    return stamp | facts


def _mapped(file: IO[bytes], facts: dict[str, Any]) -> dict[str, Array]:
    """Map the columns, which begin where `file` stands; what is written to them stays ours."""
    begin = file.tell()
    whole = np.memmap(file, dtype=np.uint8, mode="c")
    arrays: dict[str, Array] = {}
    for column in TYPES:
        begin += -begin % 64
        kind = np.dtype(facts["types"][column])
        end = begin + facts["count"] * kind.itemsize
        if end > whole.size or kind.kind not in "iuf":
            raise ValueError("cut off")
        arrays[column] = np.asarray(whole[begin:end].view(kind))
        begin = end
    return arrays


def _check(arrays: dict[str, Array], facts: dict[str, Any]) -> None:
    """Refuse numbers that point nowhere."""
    if not facts["count"]:
        return
    for column, words in (("sort", "sorts"), ("name", "names"), ("process", "processes")):
        if int(arrays[column].max()) >= len(facts[words]):
            raise ValueError(f"{column} points nowhere")


def _prune(where: Path, keep: Path) -> None:
    """Drop the oldest sidecars."""
    found = sorted(where.glob("*.index"), key=lambda path: path.stat().st_mtime_ns)
    for path in found[:-_KEPT_FILES]:
        if path != keep:
            path.unlink(missing_ok=True)
