"""The errors about webhooks: rows of the catalogue in `problem_catalogue.py`."""

from collections.abc import Mapping

from api.problem_row import Problem

_NOT_FOUND = "RFC 9110, section 15.5.5"
_CONFLICT = "RFC 9110, section 15.5.10"
_REFUSED = "RFC 9110, section 15.5.21"

WEBHOOK_PROBLEMS: Mapping[str, Problem] = {
    "webhook_not_found": Problem(
        404,
        "There is no such webhook",
        "No webhook has this id, or it was removed.",
        "List them with GET /webhooks.",
        _NOT_FOUND,
    ),
    "delivery_not_found": Problem(
        404,
        "There is no such delivery",
        "The webhook has no delivery of this id, or it was over for so long that it is not shown.",
        "List them with GET /webhooks/{id}/deliveries, or replay the webhook from a position.",
        _NOT_FOUND,
    ),
    "webhooks_off": Problem(
        409,
        "This deployment sends no webhooks",
        "No host is allowed to be sent to.",
        "Ask for the receiver's host to be listed in LEDGERPRESS_WEBHOOK_ALLOWED_HOSTS.",
        _CONFLICT,
    ),
    "webhook_not_active": Problem(
        409,
        "The webhook is not active",
        "It was paused, or disabled since its receiver was gone or failing.",
        "Resume it first with POST /webhooks/{id}/resume.",
        _CONFLICT,
    ),
    "delivery_not_replayable": Problem(
        409,
        "The delivery cannot be replayed",
        "It waits for its next attempt as it is, or it is a test.",
        "Wait, or resume the webhook, which tries at once what waits; make another test.",
        _CONFLICT,
    ),
    "address_not_allowed": Problem(
        422,
        "Nothing is sent to this address",
        "An address is https, on a host and port that the deployment allows, without a name or "
        "password, without a fragment, and no address of numbers.",
        "Correct what the detail names.",
        _REFUSED,
    ),
    "event_type_unknown": Problem(
        422,
        "No event has this name",
        "One of the names is not that of an event.",
        "Take names from the documentation of the events, without their version.",
        _REFUSED,
    ),
    "position_not_reached": Problem(
        422,
        "The log does not reach to this position",
        "There is nothing to send again after it.",
        "Give a position of the log; GET /webhooks/{id}/progress tells the last one.",
        _REFUSED,
    ),
}
