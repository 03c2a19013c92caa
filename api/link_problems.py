"""The errors about links and redirects: rows of the catalogue in `problem_catalogue.py`."""

from collections.abc import Mapping

from api.problem_row import Problem

_REFERENCE = "Guide 3; HTTP contract, 16"
_COPY = "Copy the address from where it is published."

LINK_PROBLEMS: Mapping[str, Problem] = {
    "url_missing": Problem(
        400,
        "The address to go to is missing",
        "The parameter url is absent or empty.",
        "Give the address as url, percent-encoded.",
        _REFERENCE,
    ),
    "url_too_long": Problem(
        400,
        "The link is too long",
        "An address has 2,048 characters at most, percent-encoded as well.",
        "Use a shorter address.",
        _REFERENCE,
    ),
    "invalid_url": Problem(
        400,
        "The address is not valid",
        "A browser could not open it.",
        _COPY,
        "Guide 3; WHATWG URL Standard",
    ),
    "scheme_not_allowed": Problem(
        400,
        "The address does not begin with https://",
        "Links lead to other places over https alone.",
        "Write the whole address, beginning with https://.",
        _REFERENCE,
    ),
    "domain_not_allowed": Problem(
        400,
        "The host is not allowed",
        "Links are followed to hosts that the operators have listed, and to no others; a subdomain "
        "is a host of its own.",
        "Link to the place directly, or ask the operators to list its host.",
        _REFERENCE,
    ),
    "port_not_allowed": Problem(
        400,
        "The address names a port",
        "Only the port of https is taken, which need not be written.",
        "Leave the port out.",
        _REFERENCE,
    ),
    "user_info_in_url": Problem(
        400,
        "The address holds a name or password",
        "What stands before an @ looks like a host and is none.",
        "Leave everything up to the @ out.",
        _REFERENCE,
    ),
    "backslash_in_url": Problem(
        400,
        "The address holds a backslash",
        "Browsers read it as a slash, other programs do not.",
        "Write a slash, or %5C where a backslash is meant.",
        _REFERENCE,
    ),
    "control_character_in_url": Problem(
        400,
        "The address holds a control character",
        "Browsers leave tabs and line breaks out of addresses, other programs do not.",
        _COPY,
        _REFERENCE,
    ),
    "host_not_plain": Problem(
        400,
        "The host is not written plainly",
        "The host holds percent signs, or letters that only look like those of another host.",
        "Write the host in ASCII; an international one in its xn-- form.",
        _REFERENCE,
    ),
    "trailing_dot_in_host": Problem(
        400,
        "The host ends in a dot",
        "With the dot it is another host to browsers.",
        "Leave the dot out.",
        _REFERENCE,
    ),
    "redirect_not_found": Problem(
        404,
        "There is no such redirect",
        "No managed redirect has this id, or it was deleted.",
        "List them with GET /redirects.",
        "RFC 9110, section 15.5.5",
    ),
    "path_is_a_route": Problem(
        409,
        "The product itself answers at this path",
        "A redirect would never be reached there.",
        "Choose a path at which nothing stands.",
        _REFERENCE,
    ),
    "redirect_already_exists": Problem(
        409,
        "Another redirect stands at this path",
        "A path leads to one place.",
        "Change that redirect, or delete it first.",
        _REFERENCE,
    ),
    "redirect_chain": Problem(
        409,
        "The redirect would be part of a chain",
        "Its target is redirected as well, or another redirect leads to its path.",
        "Let every path lead to where it ends at once.",
        _REFERENCE,
    ),
    "redirect_loop": Problem(
        409,
        "The redirect would lead back to itself",
        "Whoever follows it would come back to its own path.",
        "Choose another target.",
        _REFERENCE,
    ),
    "path_not_plain": Problem(
        422,
        "The path cannot be that of a redirect",
        "It does not begin with one slash, or has a query, empty or dot segments, or escapes that "
        "programs read in different ways.",
        "Give a plain path such as /blog-old/one.",
        "RFC 3986, section 6.2.2",
    ),
    "target_not_allowed": Problem(
        422,
        "The target cannot be led to",
        "A target is a path of this service, or an https address on a host that the operators have "
        "listed.",
        "Correct what the detail names.",
        _REFERENCE,
    ),
    "window_is_empty": Problem(
        422,
        "The redirect would never lead anywhere",
        "Its end does not come after its beginning.",
        "Correct activeFrom or activeUntil.",
        "Guide 3",
    ),
}
