"""The patterns that texts in requests must match, each with the words for whoever gets it wrong."""

# Python's `$` also stands before a line break at the end, which the look-ahead rules out.
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)"
# It goes into a Link field, so it is a URI as RFC 3986 has them, of a host with a name.
_PATH = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*"
_QUERY = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
WEB_ADDRESS = rf"^https?://[A-Za-z0-9._~-]+(?::[0-9]{{1,5}})?(?:/{_PATH})?(?:\?{_QUERY})?(?:#{_QUERY})?$(?!\n)"

IN_WORDS = {
    SLUG: "lower-case letters and digits, with single hyphens between them",
    WEB_ADDRESS: "an http or https address of a host with a name",
}
