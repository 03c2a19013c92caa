"""The patterns that texts in requests must match, each with the words for whoever gets it wrong."""

# Python's `$` also stands before a line break at the end, which the look-ahead rules out.
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)"
# It goes into a Link field, so it holds the characters of RFC 3986 and no others.
WEB_ADDRESS = r"^https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+$(?!\n)"

IN_WORDS = {
    SLUG: "lower-case letters and digits, with single hyphens between them",
    WEB_ADDRESS: "an http or https address without spaces",
}
