"""The command palette: actions, tabs, findings, accounts and events.

Textual reads plain strings of a palette as markup; only `Content` goes in here.
"""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from viewer.model.search import Search
from viewer.model.trace import Rows, Trace
from viewer.model.visible import visible
from viewer.tui.help import bindings_of
from viewer.tui.look import Look
from viewer.tui.lookapp import app_of
from viewer.tui.navigation import Navigation

_EVENTS: Final = 20
_ACCOUNTS: Final = 500
_SHORTEST: Final = 3
Offer = tuple[str, str, Callable[[], object]]
"""Kind (``action``, ``tab``, …), text, what it does."""


def open_palette(screen: Navigation) -> None:
    """Open the palette over `screen`."""
    if not CommandPalette.is_open(screen.app):
        placeholder = screen.look("palette.placeholder")
        screen.app.push_screen(CommandPalette(providers=[Finder], placeholder=placeholder))


class Finder(Provider):
    """Finds what the palette offers."""

    @property
    def _main(self) -> Navigation:
        return cast("Navigation", self.screen)

    @property
    def _look(self) -> Look:
        return app_of(self.screen).look

    def _display(self, kind: str, text: str) -> Content:
        shown = Content(visible(text[:200]))
        return Content.assemble((f"{self._look(f'palette.{kind}')}  ", "dim"), shown)

    async def discover(self) -> Hits:
        """Offer the actions before anything is typed."""
        for kind, text, act in self._actions():
            yield DiscoveryHit(self._display(kind, text), act, text=visible(text))

    async def search(self, query: str) -> Hits:
        """Offer what matches; events by the bytes of their lines."""
        matcher = self.matcher(unaccented(query))
        for kind, text, act in self._offers():
            score = matcher.match(unaccented(text))
            if score > 0:
                yield Hit(score, self._display(kind, text), act, text=visible(text[:200]))
        async for kind, text, act in self._events(query):
            yield Hit(0.01, self._display(kind, text), act, text=visible(text[:200]))

    def _offers(self) -> Iterator[Offer]:
        yield from self._actions()
        main = self._main
        for tab in main.state.tabs():
            yield "tab", tab.title, lambda own=tab.id: main.open_tab(own)  # type: ignore[misc]
        for n, finding in enumerate(main.state.findings or ()):
            title = self._look.finding(finding, "title")
            yield "finding", title, lambda own=n: main.follow_link(f"finding:{own}")  # type: ignore[misc]
        for account in self._accounts():
            target = f"account:{account}"
            yield "account", account, lambda own=target: main.follow_link(own)  # type: ignore[misc]

    def _actions(self) -> Iterator[Offer]:
        main = self._main
        for binding in bindings_of(type(main)):
            if not (binding.id or "").startswith("tab-"):
                text = self._look(binding.description)
                yield "action", text, lambda own=binding.action: main.run_action(own)  # type: ignore[misc]
        yield "action", self._look("palette.theme"), self.app.search_themes

    def _accounts(self) -> list[str]:
        state = self._main.state
        rows = state.all_rows("resolution")[:_ACCOUNTS].tolist()
        found = dict.fromkeys(state.trace.account(row) for row in rows)
        return [account for account in found if account]

    async def _events(self, query: str) -> AsyncIterator[Offer]:
        if len(query) < _SHORTEST:
            return
        main, trace = self._main, self._main.state.trace
        rows = await asyncio.to_thread(first_hits, trace, query)
        for row in rows[:_EVENTS].tolist():
            head = trace.head(row)
            text = f"{head.ts[11:23]} {head.name} {trace.account(row)}"
            yield "event", text, lambda own=row: main.go_to_row(own)  # type: ignore[misc]


def unaccented(text: str) -> str:
    """Return `text` without accents, which one leaves out when typing in haste."""
    split = unicodedata.normalize("NFD", text)
    return "".join(char for char in split if not unicodedata.combining(char))


def first_hits(trace: Trace, needle: str) -> Rows:
    """Return a few rows whose lines hold `needle`."""
    search = Search(trace, needle)
    while search.step(0.02) and len(search.rows) < _EVENTS:
        pass
    return search.rows
