"""The base of every event: how an event is spelled in the log.

The names in an event (its tag, its members, the values of its enumerations) are a format, not code:
they stand in rows that nobody can change. So a tag once stored keeps its meaning for ever, a member
is added with a default or not at all, and anything else is a new tag (`post.edited.v2`) with an
upcaster from the old one. Classes may be renamed freely, as no class name is stored.
"""

import msgspec


# Unknown members are let through: in a rolling deploy the old code reads what the new one wrote.
# gc=False: an event holds no cycle, so a long stream that is decoded need not be walked by the
# garbage collector.
class StoredEvent(msgspec.Struct, frozen=True, tag_field="type", rename="camel", gc=False):
    """Something that happened, encoded as a JSON object whose `type` is the tag.

    A subclass gives its tag: `<category>.<what-happened>.v<number>`.
    """
