"""Draws the README's pictures from a recorded session: python -m samples.pictures [SESSION]."""

import asyncio
import re
import sys
from pathlib import Path

from viewer.tui.app import TraceApp
from viewer.tui.options import Options

HERE = Path(__file__).parent
SESSION = HERE / "sessions" / "00-demo.jsonl"
SHOTS = {"summary": "1", "timeline": "2", "resolution": "3"}
"""Picture → the key of its tab."""


async def draw(session: Path, folder: Path) -> None:
    """Write one SVG a tab into `folder`; fonts are the reader's own, nothing is fetched."""
    app = TraceApp([str(session)], Options())
    async with app.run_test(size=(150, 40)) as pilot:
        await pilot.pause(2)
        for name, key in SHOTS.items():
            await pilot.press(key)
            await pilot.pause(1)
            svg = app.export_screenshot(title="traceview")
            svg = re.sub(r"@font-face\s*{[^}]*}", "", svg)
            (folder / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    (HERE / "pictures").mkdir(exist_ok=True)
    asyncio.run(draw(Path(sys.argv[1]) if sys.argv[1:] else SESSION, HERE / "pictures"))
