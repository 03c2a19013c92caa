"""Messages as commands of NATS' protocol: a real server takes them, and none can hold another."""

import pytest

from infra.embedded.nats import connected_once
from infra.relay.wire import ComposedClient, composed, header_lines
from projections.relaying import Message


async def test_a_subscriber_gets_what_was_composed(nats_url: str) -> None:
    """Subject, headers of both kinds, reply and body, byte for byte; several as one piece."""
    messages = [
        Message(1, "test.composed", {"First": "a", "Second": "größer"}, b"{}\r\nPUB x 0\r\n\r\n"),
        Message(2, "test.composed", {"First": "b"}, b""),
    ]
    client = ComposedClient()
    await client.connect(nats_url)
    try:
        async with connected_once(nats_url, 5) as other:
            subscription = await other.subscribe("test.composed")
            await other.flush()
            commands = [composed(each, header_lines({"Third": "c"}), "reply") for each in messages]
            await client.send_composed(b"".join(commands))
            found = [await subscription.next_msg(timeout=30) for _ in messages]
    finally:
        await client.close()

    assert [(each.subject, each.reply, each.data) for each in found] == [
        ("test.composed", "reply", each.body) for each in messages
    ]
    assert [each.headers for each in found] == [{**each.headers, "Third": "c"} for each in messages]


@pytest.mark.parametrize("value", ["a\r\nSecond: b", "a\n", "a\r"])
def test_a_header_stays_in_its_line(value: str) -> None:
    """No value can begin a header, or a command, of its own."""
    with pytest.raises(ValueError, match="end of a line"):
        header_lines({"First": value})
