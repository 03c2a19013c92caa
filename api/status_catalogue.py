"""The 63 statuses of the guide's reference table, and what this product has to do with each.

Corrected where the guide's table is wrong: the 4xx are 29, not 28; 418 is unused (RFC 9110, section
15.5.19); names and sections are those of the registry. A test holds the rows against the code: a
status that the code can answer and that is not listed as answered, or the other way round, fails
the build, and so does a row whose test does not exist or never names its status.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class By(StrEnum):
    """Who answers with a status."""

    API = "api"
    """An endpoint, or what all requests to endpoints pass through."""
    SERVER = "server"
    """The HTTP server, for requests that never reach an endpoint."""
    PROXY = "proxy"
    """nginx in front, by itself."""


class Status(NamedTuple):
    """A status code, and where it is met."""

    code: int
    name: str
    reference: str
    """The section that defines it."""
    by: tuple[By, ...]
    """Who answers with it here; nobody where it is empty."""
    where: str
    """When it is answered, or why it never is."""
    test: str | None = None
    """The test that proves it: file and function."""


_A, _S, _P = By.API, By.SERVER, By.PROXY
_9110 = "RFC 9110, section "
_HTTP = "tests/http/test_"
_OWN = "tests/infra/http_server/test_"
_NGINX = "tests/nginx/test_"

_ALL = (
    Status(
        *(100, "Continue", f"{_9110}15.2.1", (_S, _P)),
        "Invites a body that was announced with Expect: 100-continue: the server once "
        "somebody reads it, nginx at once.",
        f"{_OWN}patience.py::test_a_body_that_was_not_invited_does_not_stall",
    ),
    Status(
        *(101, "Switching Protocols", f"{_9110}15.2.2", ()),
        "No other protocol is spoken on a connection, and Upgrade is ignored; HTTP/2 is "
        "agreed on by TLS, in nginx.",
    ),
    Status(
        *(102, "Processing", "RFC 2518, section 10.1", ()),
        "Left out of WebDAV when RFC 4918 replaced RFC 2518. What takes long is a job here, "
        "with 202.",
    ),
    Status(
        *(103, "Early Hints", "RFC 8297, section 2", ()),
        "For pages that load style sheets and scripts; the answers here are data.",
    ),
    Status(
        *(200, "OK", f"{_9110}15.3.1", (_A,)),
        "What was asked for, or what a change made of it.",
        f"{_HTTP}reading.py::test_a_published_post_is_for_everybody",
    ),
    Status(
        *(201, "Created", f"{_9110}15.3.2", (_A,)),
        "A new post, file, redirect or account, with its Location.",
        f"{_HTTP}creating.py::test_a_new_post_is_a_draft_of_its_author",
    ),
    Status(
        *(202, "Accepted", f"{_9110}15.3.3", (_A,)),
        "A job, whose Location tells how it goes; a message that will follow.",
        f"{_HTTP}rebuilds.py::test_it_is_queued",
    ),
    Status(
        *(203, "Non-Authoritative Information", f"{_9110}15.3.4", ()),
        "For proxies that change what passes; the one in front changes nothing.",
    ),
    Status(
        *(204, "No Content", f"{_9110}15.3.5", (_A,)),
        "Deleted; changed, with Prefer: return=minimal; OPTIONS.",
        f"{_HTTP}deleting.py::test_a_deleted_post_is_gone_for_everybody",
    ),
    Status(
        *(205, "Reset Content", f"{_9110}15.3.6", ()),
        "Has a page empty its form; a form is answered with 303 here.",
    ),
    Status(
        *(206, "Partial Content", f"{_9110}15.3.7", (_A,)),
        "A range, or several, of a file or of an export.",
        f"{_HTTP}exports.py::test_a_download_can_go_on",
    ),
    Status(
        *(207, "Multi-Status", "RFC 4918, section 11.1", ()),
        "WebDAV: one answer for many resources. Each request changes one resource here.",
    ),
    Status(
        *(208, "Already Reported", "RFC 5842, section 7.1", ()),
        "WebDAV: within a 207, which is never sent.",
    ),
    Status(
        *(226, "IM Used", "RFC 3229, section 10.4.1", ()),
        "Deltas against a version that the client has; A-IM is ignored, and 304 saves most of it.",
    ),
    Status(
        *(300, "Multiple Choices", f"{_9110}15.4.1", ()),
        "A resource has one address, and its forms are chosen by Accept.",
    ),
    Status(
        *(301, "Moved Permanently", f"{_9110}15.4.2", (_A, _P)),
        "An old slug, a page that moved; plain HTTP to HTTPS for GET and HEAD.",
        f"{_HTTP}slugs.py::test_an_old_slug_leads_to_the_new_one",
    ),
    Status(
        *(302, "Found", f"{_9110}15.4.3", (_A,)),
        "/go to an address on the allowlist; managed redirects.",
        f"{_HTTP}go.py::test_a_click_leads_on",
    ),
    Status(
        *(303, "See Other", f"{_9110}15.4.4", (_A,)),
        "From a form to the new post, from a job that is done to its result.",
        f"{_HTTP}creating.py::test_a_form_is_answered_with_a_redirect",
    ),
    Status(
        *(304, "Not Modified", f"{_9110}15.4.5", (_A,)),
        "The client has the current version, by If-None-Match or If-Modified-Since.",
        f"{_HTTP}log.py::test_an_event_is_revalidated",
    ),
    Status(
        *(305, "Use Proxy", f"{_9110}15.4.6", ()),
        "Deprecated, as a client cannot trust it.",
    ),
    Status(
        *(306, "(Unused)", f"{_9110}15.4.7", ()),
        "Reserved, and no longer used.",
    ),
    Status(
        *(307, "Temporary Redirect", f"{_9110}15.4.8", (_A,)),
        "Managed redirects that keep the method, for a time.",
        f"{_HTTP}http_statuses.py::test_a_redirect_for_a_time_keeps_the_method",
    ),
    Status(
        *(308, "Permanent Redirect", f"{_9110}15.4.9", (_A, _P)),
        "Addresses of the first API; managed redirects; plain HTTP to HTTPS for what may "
        "change something.",
        f"{_NGINX}tls.py::test_plain_http",
    ),
    Status(
        *(400, "Bad Request", f"{_9110}15.5.1", (_A, _S, _P)),
        "What is not well formed: syntax, types, members and parameters that are not known.",
        f"{_HTTP}creating.py::test_a_missing_member_is_named",
    ),
    Status(
        *(401, "Unauthorized", f"{_9110}15.5.2", (_A,)),
        "No access token, or one that is not valid; credentials that prove nothing.",
        f"{_HTTP}creating.py::test_posts_are_made_by_authors_alone",
    ),
    Status(
        *(402, "Payment Required", f"{_9110}15.5.3", ()),
        "Reserved for future use, and nothing is sold here.",
    ),
    Status(
        *(403, "Forbidden", f"{_9110}15.5.4", (_A,)),
        "Whoever asks may see it and may not do this.",
        f"{_HTTP}creating.py::test_posts_are_made_by_authors_alone",
    ),
    Status(
        *(404, "Not Found", f"{_9110}15.5.5", (_A, _P)),
        "Nothing is there for whoever asks. nginx hides /metrics with it.",
        f"{_HTTP}deleting.py::test_deleting_twice",
    ),
    Status(
        *(405, "Method Not Allowed", f"{_9110}15.5.6", (_A, _S, _P)),
        "The address lacks the method, which Allow lists; CONNECT and TRACE everywhere.",
        f"{_HTTP}methods.py::test_a_method_that_an_address_lacks_is_405",
    ),
    Status(
        *(406, "Not Acceptable", f"{_9110}15.5.7", (_A,)),
        "Accept rules out every form that there is.",
        f"{_HTTP}reading.py::test_there_is_nothing_but_json",
    ),
    Status(
        *(407, "Proxy Authentication Required", f"{_9110}15.5.8", ()),
        "Only a proxy that clients choose asks for it; the one in front is none.",
    ),
    Status(
        *(408, "Request Timeout", f"{_9110}15.5.9", (_S,)),
        "Header or body stopped arriving. nginx cuts such clients off without a word.",
        f"{_OWN}patience.py::test_a_body_that_stalls_is_408",
    ),
    Status(
        *(409, "Conflict", f"{_9110}15.5.10", (_A,)),
        "A taken slug or address, a transition that the state forbids, a key in flight.",
        f"{_HTTP}creating.py::test_a_taken_slug_is_a_collision",
    ),
    Status(
        *(410, "Gone", f"{_9110}15.5.11", (_A,)),
        "Erased for good, or an export whose time is over.",
        f"{_HTTP}exports.py::test_one_whose_time_is_over_is_gone",
    ),
    Status(
        *(411, "Length Required", f"{_9110}15.5.12", ()),
        "A body without a length comes in chunks, which are counted.",
    ),
    Status(
        *(412, "Precondition Failed", f"{_9110}15.5.13", (_A,)),
        "A precondition does not hold: most often, If-Match names a version that is not current.",
        f"{_HTTP}preconditions.py::test_if_match_holds_back_any_other",
    ),
    Status(
        *(413, "Content Too Large", f"{_9110}15.5.14", (_A, _P)),
        "A body or a file over the limit, told before it is read where its length is known.",
        f"{_HTTP}bodies.py::test_a_length_that_tells_is_refused_before_the_body",
    ),
    Status(
        *(414, "URI Too Long", f"{_9110}15.5.15", (_S, _P)),
        "A request target over 8 KiB.",
        f"{_OWN}requests.py::test_refusals_are_problems_that_close",
    ),
    Status(
        *(415, "Unsupported Media Type", f"{_9110}15.5.16", (_A,)),
        "A body of a wrong type, or coded; a file that is something else than it says.",
        f"{_HTTP}bodies.py::test_a_wrong_type_is_refused",
    ),
    Status(
        *(416, "Range Not Satisfiable", f"{_9110}15.5.17", (_A,)),
        "No byte of the file is in the ranges asked for, or they are too many.",
        f"{_HTTP}http_statuses.py::test_a_range_past_the_end",
    ),
    Status(
        *(417, "Expectation Failed", f"{_9110}15.5.18", (_S,)),
        "Any expectation but 100-continue.",
        f"{_OWN}requests.py::test_refusals_are_problems_that_close",
    ),
    Status(
        *(418, "(Unused)", f"{_9110}15.5.19", ()),
        "RFC 2324 used it for a joke, so that it cannot be given a meaning: the registry "
        "reserves it.",
    ),
    Status(
        *(421, "Misdirected Request", f"{_9110}15.5.20", (_A, _P)),
        "Host names somebody else.",
        f"{_HTTP}every_answer.py::test_hosts",
    ),
    Status(
        *(422, "Unprocessable Content", f"{_9110}15.5.21", (_A,)),
        "Well formed, and refused by a rule.",
        f"{_HTTP}editing.py::test_null_cannot_take_away_what_every_post_has",
    ),
    Status(
        *(423, "Locked", "RFC 4918, section 11.3", ()),
        "WebDAV. Nothing is locked here: 412 tells who was faster.",
    ),
    Status(
        *(424, "Failed Dependency", "RFC 4918, section 11.4", ()),
        "WebDAV: of several changes in one request. One request is one change here.",
    ),
    Status(
        *(425, "Too Early", "RFC 8470, section 5.2", (_A,)),
        "A request that changes something came as early data.",
        f"{_HTTP}methods.py::test_early_data_changes_nothing",
    ),
    Status(
        *(426, "Upgrade Required", f"{_9110}15.5.22", ()),
        "HTTP/1.1 is good enough for everything.",
    ),
    Status(
        *(428, "Precondition Required", "RFC 6585, section 3", (_A,)),
        "PATCH without If-Match, so that nobody's work is lost.",
        f"{_HTTP}editing.py::test_a_patch_needs_if_match",
    ),
    Status(
        *(429, "Too Many Requests", "RFC 6585, section 4", (_A, _P)),
        "Too many attempts, or nobody can count them; at nginx too many requests at once.",
        f"{_HTTP}limits.py::test_a_wrong_password_six_times",
    ),
    Status(
        *(431, "Request Header Fields Too Large", "RFC 6585, section 5", (_S, _P)),
        "The header, or a field of it, is larger than is read.",
        f"{_OWN}requests.py::test_refusals_are_problems_that_close",
    ),
    Status(
        *(451, "Unavailable For Legal Reasons", "RFC 7725, section 3", (_A,)),
        "A legal hold blocks the post for its readers.",
        f"{_HTTP}deleting.py::test_a_held_post_is_blocked_for_readers",
    ),
    Status(
        *(500, "Internal Server Error", f"{_9110}15.6.1", (_A, _S, _P)),
        "A fault in the product, or a job that failed. It calls for a look at the log.",
        f"{_HTTP}every_answer.py::test_a_crash_shows_nothing_of_the_inside",
    ),
    Status(
        *(501, "Not Implemented", f"{_9110}15.6.2", (_A, _S)),
        "A method that no address has.",
        f"{_HTTP}methods.py::test_an_unknown_method_is_501",
    ),
    Status(
        *(502, "Bad Gateway", f"{_9110}15.6.3", (_P,)),
        "The process that worked on the request went away.",
        f"{_NGINX}faults.py::test_a_backend_that_dies",
    ),
    Status(
        *(503, "Service Unavailable", f"{_9110}15.6.4", (_A, _S)),
        "Draining, full, or without what it needs, with Retry-After. It calls for patience alone.",
        f"{_HTTP}every_answer.py::test_an_outage_is_503_at_once",
    ),
    Status(
        *(504, "Gateway Timeout", f"{_9110}15.6.5", (_P,)),
        "The process that works on the request does not answer in time.",
        f"{_NGINX}faults.py::test_a_backend_that_hangs",
    ),
    Status(
        *(505, "HTTP Version Not Supported", f"{_9110}15.6.6", (_S, _P)),
        "Another major version than HTTP/1, or at nginx HTTP/2.",
        f"{_OWN}requests.py::test_refusals_are_problems_that_close",
    ),
    Status(
        *(506, "Variant Also Negotiates", "RFC 2295, section 8.1", ()),
        "A fault of transparent negotiation, which nobody uses.",
    ),
    Status(
        *(507, "Insufficient Storage", "RFC 4918, section 11.5", (_A,)),
        "The disk is full, or the account's share of it.",
        f"{_HTTP}upload.py::test_an_account_has_a_quota",
    ),
    Status(
        *(508, "Loop Detected", "RFC 5842, section 7.2", ()),
        "WebDAV. A redirect that would lead in a circle is refused when it is made.",
    ),
    Status(
        *(510, "Not Extended", "RFC 2774, section 7", ()),
        "The extension framework of an experiment, made historic.",
    ),
    Status(
        *(511, "Network Authentication Required", "RFC 6585, section 6", ()),
        "For networks that ask for a login, never for an origin server.",
    ),
)

STATUSES: Mapping[int, Status] = MappingProxyType({each.code: each for each in _ALL})

NOTES = (
    "104 (Upload Resumption Supported) is registered for a time, for a draft, and none of the 63.",
    "The guide counts 28 codes in 4xx; with 418, which is unused, they are 29.",
)
