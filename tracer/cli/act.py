"""`tracer act`: the messaging layer from the shell. The composition root of layer and capture."""

from tracer.cli import act_account, act_admin, act_crm, act_mail
from tracer.cli.act_context import Subparsers
from tracer.i18n import Catalogue

_PARTS = (act_account, act_mail, act_admin, act_crm)
"""The files that add commands, in the order in which the help shows them."""


def add_parser(subparsers: Subparsers, texts: Catalogue) -> None:
    """Add ``act`` with all its commands."""
    act = subparsers.add_parser("act", help=texts("help.act"))
    commands = act.add_subparsers(dest="act", required=True, metavar="COMMAND")
    for part in _PARTS:
        part.add_parsers(commands)
