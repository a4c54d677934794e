"""Is debug on, and for which session: `TRACER_HOME`, its control file, and who may write it.

``control.json`` exists while debug is on. Every process that is traced looks at it at most once per
20 ms, so that switching takes effect in programs that run already.
"""

from tracer.control.file import (
    BODIES,
    CAP,
    LIFETIME,
    LOOK_EVERY,
    SYSTEM_CLOCK,
    Clock,
    ControlError,
    State,
    Variable,
    boot_id,
    control_file,
    home,
    is_shared,
    sequence,
)
from tracer.control.switch import Closed, SessionFile, reaches, sessions, state, turn_off, turn_on
from tracer.control.watch import Watch

__all__ = [
    "BODIES",
    "CAP",
    "LIFETIME",
    "LOOK_EVERY",
    "SYSTEM_CLOCK",
    "Clock",
    "Closed",
    "ControlError",
    "SessionFile",
    "State",
    "Variable",
    "Watch",
    "boot_id",
    "control_file",
    "home",
    "is_shared",
    "reaches",
    "sequence",
    "sessions",
    "state",
    "turn_off",
    "turn_on",
]
