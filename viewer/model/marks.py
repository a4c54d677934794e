"""Marks and comments: in a file of their own, never in the trace."""

import contextlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path


@dataclass(slots=True)
class Marks:
    """The marked events of a trace by id, each with its comment, which may be empty."""

    path: Path | None
    """Where they are kept; None: nowhere, they last as long as the program."""
    comments: dict[str, str] = field(default_factory=dict)

    def toggle(self, event_id: str) -> bool:
        """Mark an event or take its mark away; tell whether it is marked now."""
        if event_id in self.comments:
            del self.comments[event_id]
        else:
            self.comments[event_id] = ""
        self.save()
        return event_id in self.comments

    def comment(self, event_id: str, text: str) -> None:
        """Mark an event with a comment; an empty one leaves the mark."""
        self.comments[event_id] = text
        self.save()

    def clear(self) -> None:
        """Take every mark away."""
        self.comments.clear()
        self.save()

    def save(self) -> None:
        """Write them; a folder that cannot be written to costs only the keeping."""
        if self.path is None:
            return
        with contextlib.suppress(OSError):
            if not self.comments:
                self.path.unlink(missing_ok=True)
                return
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = json.dumps({"v": 1, "marks": self.comments}, ensure_ascii=False, indent=1)
            descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.stem)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text + "\n")
            Path(name).replace(self.path)


def marks_path(paths: Sequence[Path | str]) -> Path | None:
    """Return where these files' marks are kept: beside a single file, else with the user's data."""
    if any(str(path) == "-" for path in paths) or not paths:
        return None
    if len(paths) == 1:
        path = Path(paths[0])
        beside = path.with_name(path.name + ".marks.json")
        if beside.exists() or os.access(path.parent, os.W_OK):
            return beside
    import platformdirs

    names = "\n".join(sorted(str(Path(path).resolve()) for path in paths))
    digest = blake2b(names.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return Path(platformdirs.user_data_dir("traceview", appauthor=False)) / f"{digest}.marks.json"


def load_marks(paths: Sequence[Path | str]) -> Marks:
    """Return the marks kept for these files; none of them when the file is not one of ours."""
    path = marks_path(paths)
    marks = Marks(path)
    if path is not None:
        with contextlib.suppress(OSError, ValueError):
            kept = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(kept, dict) and isinstance(kept.get("marks"), dict):
                marks.comments = {
                    str(key): value
                    for key, value in kept["marks"].items()
                    if isinstance(value, str)
                }
    return marks
