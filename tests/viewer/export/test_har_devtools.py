"""The HAR in Chrome DevTools: its own importer, in headless Chromium, reads what we wrote."""

import io
import json
from pathlib import Path

import pytest

from tests.support.outside import needs
from tests.viewer.report.browser import CHROMIUM, page
from viewer.export import export
from viewer.model.trace import Trace

SESSIONS = Path("samples/sessions")
DEVTOOLS = "devtools://devtools/bundled/devtools_app.html"
IMPORT = """(async () => {
  const har = await import("devtools://devtools/bundled/models/har/har.js");
  const root = new har.HARFormat.HARRoot(%s);
  const requests = har.Importer.Importer.requestsFromHARLog(root.log);
  return requests.map(request => [request.requestMethod, request.url(), request.statusCode]);
})()"""

pytestmark = [pytest.mark.outside, needs(CHROMIUM, "chromium")]


@pytest.mark.parametrize("name", ["00-demo", "20-lost-answers", "21-limits"])
async def test_devtools_imports_every_exchange(name: str) -> None:
    """Method, address and status of each entry come out of DevTools as we wrote them."""
    out = io.BytesIO()
    trace = Trace.open([SESSIONS / f"{name}.jsonl"])
    export(trace, "har", out)
    trace.close()
    har = out.getvalue().decode()
    entries = json.loads(har)["log"]["entries"]
    async with page(DEVTOOLS) as tab:
        imported = await tab.run(IMPORT % har)
    written = [
        [e["request"]["method"], e["request"]["url"], e["response"]["status"]] for e in entries
    ]
    assert sorted(imported) == sorted(written)  # DevTools has an order of its own
    assert len(imported) > 5
