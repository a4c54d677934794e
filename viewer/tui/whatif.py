"""The key that asks what would have been chosen for somebody else; the form is `whatif_form`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message

from tracer.schema.events import Kind
from viewer.tui.base import Base

if TYPE_CHECKING:  # the rules of the resolution are not needed for the first paint
    from viewer.model.trace import Trace
    from viewer.model.whatif import Recorded


class WhatIfActions(Base):
    """Opens the form on the resolution that the event under the cursor belongs to."""

    @dataclass
    class Known(Message):
        """The facts of a resolution, or in `problem` why it cannot be taken again."""

        trace: "Trace"
        operation: str
        facts: "Recorded | None"
        problem: str = ""

    def action_what_if(self) -> None:
        """Ask what another identity, or another configured account, would have got."""
        operation = self._operation()
        if operation is None:
            self.say("jump.no-operation", "warning")
        else:
            self._look_up(self.state.trace, operation)

    def _operation(self) -> str | None:
        row = self.view.row
        if row is None:
            return None
        head = self.state.trace.head(row)
        if head.kind == Kind.OPERATION:
            return head.id
        return head.parent or head.op if head.kind == Kind.STEP else head.op

    @work(thread=True, exclusive=True, group="what-if", exit_on_error=False)
    def _look_up(self, trace: "Trace", operation: str) -> None:
        from viewer.model.whatif import NotRecordedError, recorded

        try:
            known = self.Known(trace, operation, recorded(trace, operation))
        except NotRecordedError as error:
            known = self.Known(trace, operation, None, error.text(self.look.findings))
        self.post_message(known)

    @on(Known)
    def _known(self, event: Known) -> None:
        if event.facts is None:
            self.app.notify(event.problem, severity="warning", markup=False)
        elif event.trace is self.state.trace and self.is_current:
            from viewer.tui.whatif_form import WhatIfForm

            self.app.push_screen(WhatIfForm(event.trace, event.operation, event.facts))
