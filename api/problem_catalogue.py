"""Every error that a response can carry: the table behind problem bodies and `/problems/{error}`.

To add an error, add its row here; the code is a promise to clients and is never renamed. The rules
that refuse with it name the code where they stand, and a test compares the two.
"""

from collections.abc import Mapping
from types import MappingProxyType

from api.account_problems import ACCOUNT_PROBLEMS
from api.export_problems import EXPORT_PROBLEMS
from api.file_problems import FILE_PROBLEMS
from api.gateway_problems import GATEWAY_PROBLEMS
from api.link_problems import LINK_PROBLEMS
from api.problem_row import Problem
from api.webhook_problems import WEBHOOK_PROBLEMS

CATALOGUE: Mapping[str, Problem] = MappingProxyType(
    {
        # Not well formed.
        "bad_cursor": Problem(
            400,
            "The cursor is not one of this list",
            "A cursor was cut, changed, or taken from another list.",
            "Begin again without a cursor and follow the links with rel=next as they are.",
            "HTTP contract, 12",
        ),
        "bad_host": Problem(
            400,
            "The Host field is missing or malformed",
            "A request must name exactly one host.",
            "Send one Host field with the name and, where needed, the port.",
            "RFC 9112, section 3.2",
        ),
        "bad_id": Problem(
            400,
            "The id in the path is malformed",
            "An id is a UUID in its canonical form, with hyphens and without braces.",
            "Take the id from the resource itself or from its Location.",
            "RFC 9562, section 4",
        ),
        "bad_parameter": Problem(
            400,
            "A query parameter is wrong",
            "A parameter is unknown here, repeated, or holds a value that it cannot have.",
            "Correct the parameter that the detail names.",
            "RFC 9110, section 15.5.1",
        ),
        "invalid_body": Problem(
            400,
            "The body does not have the right form",
            "The body breaks the rules of its format, or has a member that is missing, "
            "unknown, repeated, or of the wrong type or length.",
            "Correct the member that the detail names; this is a fault in the client.",
            "Guide 1; RFC 9110, section 15.5.1",
        ),
        "malformed_header": Problem(
            400,
            "A header field is malformed",
            "A header field does not follow its grammar and cannot be ignored safely.",
            "Correct the field that the detail names.",
            "RFC 9110, section 5.5",
        ),
        "malformed_request": Problem(
            400,
            "The request is malformed",
            "The request breaks the grammar of HTTP, so that two readers could understand it "
            "differently.",
            "Correct the program that writes the request.",
            "RFC 9112, section 2.2",
        ),
        # Who is asking.
        "unauthenticated": Problem(
            401,
            "An access token is needed",
            "The request carries no access token.",
            "Send an access token as Authorization: Bearer.",
            "RFC 6750, section 3",
        ),
        "invalid_token": Problem(
            401,
            "The access token is not valid",
            "The access token is malformed, expired, revoked or meant for another service.",
            "Get a new access token and send the request again.",
            "RFC 6750, section 3.1",
        ),
        "forbidden": Problem(
            403,
            "This account may not do this",
            "The resource is visible to this account, which may not do this to it.",
            "Use an account that has the right; repeating the request does not help.",
            "RFC 9110, section 15.5.4",
        ),
        # What is not there.
        "event_not_found": Problem(
            404,
            "There is no such event",
            "The log has no event at this position.",
            "Take positions from the pages of the log.",
            "RFC 9110, section 15.5.5",
        ),
        "post_not_found": Problem(
            404,
            "There is no such post",
            "There is no post at this address for whoever asks.",
            "Check the address; a draft is seen by its author with an access token.",
            "Guide 1; RFC 9110, section 15.5.5",
        ),
        "problem_not_found": Problem(
            404,
            "There is no such problem",
            "No error of this service has this name.",
            "Take the name from the error member of a problem.",
            "RFC 9110, section 15.5.5",
        ),
        "projection_not_found": Problem(
            404,
            "There is no such projection",
            "No projection of this service has this name.",
            "Take the name from the list of projections.",
            "RFC 9110, section 15.5.5",
        ),
        "rebuild_not_found": Problem(
            404,
            "There is no such rebuild",
            "The projection has no rebuild of this id, or has it no more.",
            "Take the address from the answer to the request for it.",
            "RFC 9110, section 15.5.5",
        ),
        "route_not_found": Problem(
            404,
            "There is nothing at this address",
            "No resource of this service has this path.",
            "Check the path against /openapi.json.",
            "RFC 9110, section 15.5.5",
        ),
        "status_not_found": Problem(
            404,
            "There is no such status",
            "The code is none of the 63 of the table.",
            "Take the code from the list of statuses.",
            "RFC 9110, section 15.5.5",
        ),
        "stream_not_found": Problem(
            404,
            "There is no such stream",
            "The log has no stream of this category and id.",
            "Take streams from the pages of the log.",
            "RFC 9110, section 15.5.5",
        ),
        "version_not_found": Problem(
            404,
            "There is no such version",
            "The post has no version of this number, or did not exist at this time.",
            "Take versions from the post's list of versions.",
            "RFC 9110, section 15.5.5",
        ),
        "gone": Problem(
            410,
            "This was erased for good",
            "The resource existed and was erased; it will not come back.",
            "Remove links to it.",
            "RFC 9110, section 15.5.11",
        ),
        "legal_hold": Problem(
            451,
            "This is blocked for legal reasons",
            "A legal demand blocks the resource; the link with rel=blocked-by tells who "
            "implements it.",
            "Address whoever the link names.",
            "RFC 7725, section 3",
        ),
        # Methods, types and sizes.
        "method_not_allowed": Problem(
            405,
            "This resource lacks the method",
            "The service knows the method and this resource does not support it.",
            "Use one of the methods in the Allow field.",
            "RFC 9110, section 15.5.6",
        ),
        "not_acceptable": Problem(
            406,
            "No acceptable form of this exists",
            "Accept rules out every media type in which this resource can be sent.",
            "Ask for one of the media types in the member available.",
            "RFC 9110, section 15.5.7",
        ),
        "request_timeout": Problem(
            408,
            "The request did not arrive in time",
            "The header or the body stopped arriving.",
            "Send the request again on a new connection.",
            "RFC 9110, section 15.5.9",
        ),
        "body_too_large": Problem(
            413,
            "The body is too large",
            "The body is longer than this resource takes.",
            "Keep the body within the member maxBytes.",
            "RFC 9110, section 15.5.14",
        ),
        "uri_too_long": Problem(
            414,
            "The address is too long",
            "The request target is longer than this service reads.",
            "Shorten the address.",
            "RFC 9110, section 15.5.15",
        ),
        "unsupported_coding": Problem(
            415,
            "The body's coding is not supported",
            "The body is compressed or otherwise coded.",
            "Send the body without Content-Encoding.",
            "RFC 9110, section 15.5.16",
        ),
        "unsupported_media_type": Problem(
            415,
            "The body's type is not supported",
            "The Content-Type is missing, malformed, or not one that this resource takes with"
            " this method.",
            "Send one of the types in the Accept-Post or Accept-Patch field, in UTF-8.",
            "RFC 9110, section 15.5.16",
        ),
        "expectation_failed": Problem(
            417,
            "The expectation cannot be met",
            "The only expectation that is known is 100-continue.",
            "Send the request without the Expect field.",
            "RFC 9110, section 15.5.18",
        ),
        "misdirected_request": Problem(
            421,
            "This host is not served here",
            "The request names a host that this service does not answer for.",
            "Send the request to the host that it names.",
            "RFC 9110, section 15.5.20",
        ),
        "too_early": Problem(
            425,
            "This cannot be sent as early data",
            "A request that changes something came as early data, which an attacker could repeat.",
            "Send the request again after the TLS handshake.",
            "RFC 8470, section 5.2",
        ),
        "headers_too_large": Problem(
            431,
            "The header fields are too large",
            "The header section, or one of its fields, is larger than this service reads.",
            "Send fewer or smaller fields.",
            "RFC 6585, section 5",
        ),
        # Preconditions and collisions.
        "idempotency_key_in_flight": Problem(
            409,
            "The first request is still running",
            "An earlier request with this Idempotency-Key has not ended.",
            "Wait a moment and repeat the same request with the same key.",
            "HTTP contract, 11",
        ),
        "rebuild_in_progress": Problem(
            409,
            "The projection is being rebuilt already",
            "A rebuild of the projection is queued or running: collidesWith is its address.",
            "Wait for it, or cancel it with DELETE.",
            "RFC 9110, section 15.5.10",
        ),
        "rebuild_over": Problem(
            409,
            "It is too late to cancel the rebuild",
            "The rebuild is in the status or at the step that collidesWith names.",
            "Look at what came of it; `ledgerpress projections undo` goes back.",
            "RFC 9110, section 15.5.10",
        ),
        "slug_already_exists": Problem(
            409,
            "The slug is taken",
            "Another live post has this slug.",
            "Choose another slug.",
            "Guide 1; RFC 9110, section 15.5.10",
        ),
        "transition_not_allowed": Problem(
            409,
            "The present state does not allow this",
            "A post in the state that collidesWith names cannot do this.",
            "Read the post and bring it into a fitting state first.",
            "RFC 9110, section 15.5.10",
        ),
        "stale_version": Problem(
            412,
            "The version has changed",
            "The precondition does not hold for the current version.",
            "Get the current version, apply the change to it, and send its tag; the Link "
            "field leads to what happened since.",
            "Guide 1; RFC 9110, section 13.1",
        ),
        "condition_failed": Problem(
            412,
            "The precondition does not hold",
            "It names a version, and this resource has no versions that could be named; or it "
            "holds only where there is no such resource.",
            "Send the request without the precondition.",
            "RFC 9110, section 13.1",
        ),
        "precondition_required": Problem(
            428,
            "If-Match is required",
            "A change must say which version it is made to, so that nobody's work is lost: get the "
            "resource and send its ETag as If-Match.",
            "Get the resource and send its ETag as If-Match.",
            "RFC 6585, section 3",
        ),
        # Well formed and refused.
        "range_not_satisfiable": Problem(
            416,
            "Nothing of the range is there",
            "The Range begins past the end, is not a set of ranges of bytes, asks for more than "
            "10 ranges, or for some bytes twice.",
            "Ask for bytes below the size that Content-Range names, or for all, without Range.",
            "RFC 9110, section 15.5.17",
        ),
        "idempotency_key_reused": Problem(
            422,
            "The Idempotency-Key was used before",
            "An earlier request had this Idempotency-Key and was another request.",
            "Use a new key for each new request.",
            "HTTP contract, 11",
        ),
        "member_required": Problem(
            422,
            "The member cannot be removed",
            "The patch removes a member that the resource must have.",
            "Leave the member out of the patch, or give it a value.",
            "RFC 7396, section 1; RFC 9110, section 15.5.21",
        ),
        "file_not_usable": Problem(
            422,
            "The post cannot show that file",
            "The file that coverImage or attachments name is not there, belongs to somebody else, "
            "stands there twice, or, as a cover, is no image.",
            "Upload the file first, as the post's author, and take the id from the answer.",
            "HTTP contract, outcomes; RFC 9110, section 15.5.21",
        ),
        "publish_at_in_past": Problem(
            422,
            "The time to publish has passed",
            "publishAt must lie in the future.",
            "Choose a later time, or publish at once.",
            "Guide 1; RFC 9110, section 15.5.21",
        ),
        "title_blank": Problem(
            422,
            "The title is blank",
            "The title holds nothing that can be seen.",
            "Give the post a title.",
            "RFC 9110, section 15.5.21",
        ),
        "version_unknown": Problem(
            422,
            "The post has no such version",
            "A post can go back to a version that it had, and to no other.",
            "Take the version from the post's list of versions.",
            "RFC 9110, section 15.5.21",
        ),
        # Limits, load and faults.
        "internal_error": Problem(
            500,
            "Something went wrong here",
            "The service failed in a way that it did not foresee; the log has the details "
            "under the requestId.",
            "Report the requestId. A request with an Idempotency-Key can be repeated safely.",
            "Guide 7; RFC 9110, section 15.6.1",
        ),
        "method_not_implemented": Problem(
            501,
            "The method is not known",
            "This service does not know the method for any resource.",
            "Ask with OPTIONS which methods an address has.",
            "RFC 9110, section 15.6.2",
        ),
        "contended": Problem(
            503,
            "Too many change this at once",
            "Others changed the same resource each time that this request was tried.",
            "Try again after Retry-After.",
            "RFC 9110, section 15.6.4",
        ),
        "draining": Problem(
            503,
            "This server is shutting down",
            "The server finishes what it has begun and takes nothing new.",
            "Try again after Retry-After, on a new connection.",
            "Guide 7; RFC 9110, section 15.6.4",
        ),
        "maintenance": Problem(
            503,
            "The service is in maintenance",
            "Operators refuse requests for a while, for the reason that the detail gives.",
            "Try again after Retry-After.",
            "Guide 7; RFC 9110, section 15.6.4",
        ),
        "overloaded": Problem(
            503,
            "The service is full",
            "As many requests are in flight as the service takes on.",
            "Try again after Retry-After.",
            "Guide 7; RFC 9110, section 15.6.4",
        ),
        "too_many_connections": Problem(
            503,
            "Too many connections",
            "The server holds as many connections as it may.",
            "Try again after Retry-After, and keep connections open instead of making new ones.",
            "RFC 9110, section 15.6.4",
        ),
        "service_degraded": Problem(
            503,
            "A part of the service is down",
            "Something that this request needs does not answer. Whether a write took place "
            "may be unknown.",
            "Try again after Retry-After, with the same Idempotency-Key or If-Match.",
            "Guide 7; RFC 9110, section 15.6.4",
        ),
        "http_version_not_supported": Problem(
            505,
            "The version of HTTP is not supported",
            "The service does not speak this major version of HTTP.",
            "Use HTTP/1.1.",
            "RFC 9110, section 15.6.6",
        ),
        **ACCOUNT_PROBLEMS,
        **FILE_PROBLEMS,
        **EXPORT_PROBLEMS,
        **GATEWAY_PROBLEMS,
        **LINK_PROBLEMS,
        **WEBHOOK_PROBLEMS,
    }
)
