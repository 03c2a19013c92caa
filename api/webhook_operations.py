"""The operations on webhooks as the OpenAPI document describes them."""

from collections.abc import Mapping

from api.negotiation import JSON_TYPE
from api.operation import (
    CURSOR,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    LIMIT,
    MUST_MATCH,
    PREFER,
    READS,
    Operation,
    Parameter,
    Returns,
)
from api.webhook_deliveries import DeliveryPage
from api.webhook_requests import (
    PatchWebhook,
    RegisterWebhook,
    ReplayWebhook,
    RotateWebhookSecret,
    WebhookCreated,
    WebhookPage,
)
from commands.outcomes import (
    Accepted,
    Changed,
    Created,
    Deleted,
    Found,
    NotModified,
    TokensIssued,
)
from commands.webhooks import NewSecret
from projections.webhook_deliveries import Delivery, DeliveryState, Progress
from projections.webhooks import WebhookBody

_WEBHOOK = {JSON_TYPE: WebhookBody}
_CHANGES = ("contended", "forbidden", "not_acceptable", "webhook_not_found")
_SHOWS_PAGE = ("ETag", "Link", "Vary")


def _change(name: str, *errors: str, body: type | None = None) -> Operation:
    return Operation(
        id=name,
        group="webhooks",
        who="operators",
        headers=(IF_MATCH, PREFER),
        body=body,
        returns=(Returns(Changed, _WEBHOOK),),
        errors=(*_CHANGES, *errors),
    )


WEBHOOK_OPERATIONS: Mapping[str, Operation] = {
    "GET /webhooks": Operation(
        id="listWebhooks",
        group="webhooks",
        who="operators",
        query=(LIMIT, CURSOR),
        headers=(IF_NONE_MATCH,),
        returns=(Returns(Found, {JSON_TYPE: WebhookPage}, _SHOWS_PAGE), Returns(NotModified)),
        errors=(*READS, "bad_cursor", "forbidden"),
    ),
    "POST /webhooks": Operation(
        id="registerWebhook",
        group="webhooks",
        who="operators",
        headers=(IDEMPOTENCY_KEY,),
        body=RegisterWebhook,
        returns=(Returns(Created, {JSON_TYPE: WebhookCreated}),),
        errors=(
            *("address_not_allowed", "contended", "event_type_unknown"),
            *("forbidden", "idempotency_key_in_flight", "idempotency_key_reused"),
            *("not_acceptable", "webhooks_off"),
        ),
    ),
    "GET /webhooks/{webhook_id}": Operation(
        id="readWebhook",
        group="webhooks",
        who="operators",
        headers=(IF_NONE_MATCH,),
        returns=(
            Returns(Found, _WEBHOOK, ("ETag", "Last-Modified", "Vary")),
            Returns(NotModified),
        ),
        errors=(*READS, "forbidden", "webhook_not_found"),
    ),
    "PATCH /webhooks/{webhook_id}": Operation(
        id="editWebhook",
        group="webhooks",
        who="operators",
        headers=(MUST_MATCH, PREFER),
        body=PatchWebhook,
        returns=(Returns(Changed, _WEBHOOK),),
        errors=(
            *_CHANGES,
            *("address_not_allowed", "event_type_unknown", "member_required"),
            "precondition_required",
        ),
    ),
    "DELETE /webhooks/{webhook_id}": Operation(
        id="removeWebhook",
        group="webhooks",
        who="operators",
        headers=(IF_MATCH,),
        returns=(Returns(Deleted),),
        errors=_CHANGES,
    ),
    "POST /webhooks/{webhook_id}/pause": _change("pauseWebhook", "webhook_not_active"),
    "POST /webhooks/{webhook_id}/resume": _change("resumeWebhook"),
    "POST /webhooks/{webhook_id}/secret": Operation(
        id="rotateWebhookSecret",
        group="webhooks",
        who="operators",
        headers=(IF_MATCH,),
        body=RotateWebhookSecret,
        returns=(Returns(TokensIssued, {JSON_TYPE: NewSecret}),),
        errors=_CHANGES,
    ),
    "POST /webhooks/{webhook_id}/replay": _change(
        "replayWebhook", "position_not_reached", body=ReplayWebhook
    ),
    "POST /webhooks/{webhook_id}/test": Operation(
        id="testWebhook",
        group="webhooks",
        who="operators",
        returns=(Returns(Accepted, {JSON_TYPE: Delivery}),),
        errors=(
            *READS,
            *("condition_failed", "forbidden", "malformed_header", "webhook_not_active"),
            *("webhook_not_found", "webhooks_off"),
        ),
    ),
    "GET /webhooks/{webhook_id}/progress": Operation(
        id="readWebhookProgress",
        group="webhooks",
        who="operators",
        returns=(Returns(Found, {JSON_TYPE: Progress}, ("Vary",)),),
        errors=(*READS, "forbidden", "webhook_not_found"),
    ),
    "GET /webhooks/{webhook_id}/deliveries": Operation(
        id="listDeliveries",
        group="webhooks",
        who="operators",
        query=(
            LIMIT,
            CURSOR,
            Parameter("state", DeliveryState, "Only deliveries that stand so."),
        ),
        headers=(IF_NONE_MATCH,),
        returns=(Returns(Found, {JSON_TYPE: DeliveryPage}, _SHOWS_PAGE), Returns(NotModified)),
        errors=(*READS, "bad_cursor", "forbidden", "webhook_not_found"),
    ),
    "GET /webhooks/{webhook_id}/deliveries/{delivery_id}": Operation(
        id="readDelivery",
        group="webhooks",
        who="operators",
        returns=(Returns(Found, {JSON_TYPE: Delivery}, ("Vary",)),),
        errors=(*READS, "delivery_not_found", "forbidden", "webhook_not_found"),
    ),
    "POST /webhooks/{webhook_id}/deliveries/{delivery_id}/replay": _change(
        "replayDelivery", "delivery_not_found", "delivery_not_replayable"
    ),
}
