"""A read-only view of a request's header fields, as an ASGI server hands them over."""

from collections.abc import Iterable

RawHeaders = Iterable[tuple[bytes, bytes]]
"""ASGI `scope["headers"]`: lowercase names and values, in the order of the request."""


class Headers:
    """The header fields of one request, decoded as latin-1, which never fails and loses nothing.

    Names are given in lowercase bytes, as ASGI has them.
    """

    __slots__ = ("_last", "_raw", "_repeats")

    def __init__(self, raw: RawHeaders) -> None:
        self._raw = tuple(raw)
        self._last = dict(self._raw)
        self._repeats = len(self._last) != len(self._raw)

    def __contains__(self, name: bytes) -> bool:
        return name in self._last

    def all(self, name: bytes) -> list[str]:
        """List the values of every line of the field, in order."""
        return [value.decode("latin-1") for key, value in self._raw if key == name]

    def combined(self, name: bytes) -> str | None:
        """Join the lines of a list field with commas (RFC 9110, section 5.3); None where absent."""
        value = self._last.get(name)
        if value is None:
            return None
        if self._repeats:
            return ", ".join(self.all(name))
        return value.decode("latin-1")

    def one(self, name: bytes) -> str | None:
        """Give the value of a field that holds one value; None where absent.

        A field sent twice gives both values with a comma between, which the grammars of such fields
        refuse: neither the first nor the last of two contradicting values is taken in silence.
        """
        return self.combined(name)
