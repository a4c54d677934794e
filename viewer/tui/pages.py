"""Which pages a row of the list has, and how each is made."""

from typing import TYPE_CHECKING

from viewer.model.finding import Finding
from viewer.tui.detail import Maker
from viewer.tui.document import Page, TextPage, TreePage
from viewer.tui.finding_page import finding_nodes
from viewer.tui.messages_pages import MessagePages
from viewer.tui.overview import Overview
from viewer.tui.record import Record
from viewer.tui.state import State

if TYPE_CHECKING:
    from viewer.tui.look import Look


def event_page(state: State, record: Record, page: str) -> Maker:
    """Return the maker of one page of an event."""

    def make(width: int) -> Page:
        look: Look = state.look
        if page == "raw":
            return TextPage(record.raw.decode("utf-8", "backslashreplace"), width)
        overview = Overview(state.trace, look, width, state.findings or [])
        if page in {"request", "response"}:
            pages = MessagePages(look, width)
            nodes = pages.request(record) if page == "request" else pages.response(record)
        elif page == "why":
            from viewer.tui.why_page import WhyPage  # the first event is not to wait for it

            nodes = WhyPage(state.trace, look, width, overview).nodes(record)
        else:
            nodes = overview.nodes(record)
        return TreePage(nodes)

    return make


def finding_page(state: State, finding: Finding) -> Maker:
    """Return the maker of the page of a finding."""

    def make(width: int) -> Page:
        findings = state.findings or []
        n = next((at for at, one in enumerate(findings) if one is finding), 0)
        overview = Overview(state.trace, state.look, width, findings)
        return TreePage(finding_nodes(finding, n, overview))

    return make
