"""A process's command line in the trace."""

import subprocess
import sys
from pathlib import Path

from tests.support.commands import run

CODE = """
from tracer.capture.recorder import Recorder
from tracer.operation import operation, set_sink
set_sink(Recorder())
with operation("send", "gmail"):
    pass
"""


def test_no_value_of_the_command_line_reaches_the_trace(tmp_path: Path) -> None:
    """Options and sub-commands are named; subject, text, password, mail addresses are not there."""
    script = tmp_path / "app.py"
    script.write_text(CODE)
    trace = tmp_path / "t.jsonl"
    run("tracer", "on", "--out", trace)
    values = ["Commande 4711", "hunter2", "Bonjour-Madame", "jeanne@client.example", "geheim"]
    words = [
        "send",
        "--subject",
        values[0],
        f"--password={values[1]}",
        "-t",
        values[2],
        *values[3:],
    ]
    subprocess.run([sys.executable, script, *words], check=True)
    run("tracer", "off")
    written = trace.read_text(encoding="utf-8")
    assert '"send","--subject"' in written
    assert "--password=⟨redacted argument⟩" in written
    assert [value for value in values if value in written] == []
