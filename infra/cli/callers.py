"""How a command of the command line stands in the log, and how its refusal is told."""

from commands.handle import Caller
from commands.outcomes import Outcome
from domain.refusal import RejectedByState, RejectedByValue
from infra.clock import now


def operator(command: str) -> Caller:
    """Give whoever sits at the machine: nobody of the log, who needs no permission."""
    return Caller(actor=None, at=now(), command=command)


def why(outcome: Outcome) -> str:
    """Say why it was refused."""
    if isinstance(outcome, RejectedByState | RejectedByValue):
        return outcome.detail
    return repr(outcome)
