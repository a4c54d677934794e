"""Handing things out: the copy menu and the export menu."""

from viewer.model.visible import visible
from viewer.tui.base import Base
from viewer.tui.clipboard import copy
from viewer.tui.document import EVERYTHING, Node
from viewer.tui.lookapp import app_of
from viewer.tui.menu import Choice, Menu


class Handout(Base):
    """The actions that give the user something to take along."""

    def copy_text(self, what: str, text: str) -> None:
        """Copy `text` and say what was copied and how."""
        how, where = copy(app_of(self), text)
        self.say(
            f"copied.{how}",
            what=self.look(f"copy.{what}"),
            n=self.look.number(len(text)),
            path=where,
        )

    def action_copy(self) -> None:
        """Open the copy menu."""
        choices = [
            Choice(letter, self.look(f"copy.{what}"), visible(text[:40]), what)
            for letter, what, text in self._copies()
        ]
        if choices:
            self.app.push_screen(Menu(self.look("copy.title"), choices), self._copy)

    def _copy(self, what: str | None) -> None:
        for _, own, text in self._copies():
            if own == what:
                self.copy_text(own, text)

    def action_export(self) -> None:
        """Open the export menu."""

    def _copies(self) -> list[tuple[str, str, str]]:
        """Return (letter, what, text) of everything that can be copied here."""
        copies: list[tuple[str, str, str]] = []
        node = self.detail.node
        if node is not None:
            copies.append(("v", "value", value_text(node)))
            if node.path and node.path != EVERYTHING:
                copies.append(("p", "path", f"$.data.{node.path}"))
        row = self.view.row
        if row is not None:
            trace = self.state.trace
            copies.append(("r", "row", trace.raw(row).decode("utf-8", "backslashreplace")))
            copies.append(("l", "link", trace.head(row).id))
        return copies


def value_text(node: Node) -> str:
    """Return what copying the line of `node` gives."""
    return str(node.value) if node.has_value else node.text
