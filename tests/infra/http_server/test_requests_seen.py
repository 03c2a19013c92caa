"""What the application is told about a request."""

from tests.infra.http_server.live_server import LiveServer


def test_a_request_arrives_whole(mirror_server: LiveServer) -> None:
    """Method, target, fields and body reach the application as they were sent."""
    seen = mirror_server.ask(
        b"PUT /a%20b%C3%A9//c?x=%20&y HTTP/1.1\r\nHOST: a.example\r\nX-Two: 1\r\nx-two: 2\r\n"
        b"Content-Length: 3\r\n\r\nabc"
    ).problem

    assert seen == {
        "method": "PUT",
        "path": "/a bé//c",
        "rawPath": "/a%20b%C3%A9//c",
        "query": "x=%20&y",
        "httpVersion": "1.1",
        "headers": [
            ["host", "a.example"],
            ["x-two", "1"],
            ["x-two", "2"],
            ["content-length", "3"],
        ],
        "body": "abc",
    }


def test_the_host_of_an_absolute_target_counts(mirror_server: LiveServer) -> None:
    """In absolute form the target's authority takes the place of Host (RFC 9112 3.2.2)."""
    seen = mirror_server.ask(
        b"GET http://a.example:80/x?y HTTP/1.1\r\nHost: b.example\r\n\r\n"
    ).problem

    assert (seen["path"], seen["rawPath"], seen["query"]) == ("/x", "/x", "y")
    assert seen["headers"] == [["host", "a.example:80"]]


def test_an_absolute_target_without_a_path_is_the_root(mirror_server: LiveServer) -> None:
    """`http://a` is the root, also before a query, but `*` for OPTIONS (RFC 9112 3.2.4)."""
    rest = b" HTTP/1.1\r\nHost: a\r\n\r\n"
    root = mirror_server.ask(b"GET http://a" + rest).problem
    query = mirror_server.ask(b"GET HTTP://a?x" + rest).problem
    options = mirror_server.ask(b"OPTIONS http://a" + rest).problem

    assert root["path"] == "/"
    assert (query["path"], query["query"]) == ("/", "x")
    assert options["path"] == "*"


def test_trailer_fields_are_dropped(mirror_server: LiveServer) -> None:
    """A trailer cannot add a header field, such as one that grants rights."""
    seen = mirror_server.ask(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
    ).problem

    assert seen["body"] == "abc"
    assert [name for name, _ in seen["headers"]] == ["host", "transfer-encoding"]


def test_an_upgrade_is_ignored_and_its_body_stays_a_body(mirror_server: LiveServer) -> None:
    """What follows an Upgrade request is its body, never a request of its own."""
    hidden = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
    with mirror_server.connect() as client:
        client.send(
            b"POST /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(hidden), hidden)
        )
        first = client.answer().problem
        client.send(b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        second = client.answer().problem

    assert (first["path"], first["body"]) == ("/first", hidden.decode())
    assert second["path"] == "/second"


def test_a_problem_names_the_path_where_it_is_known(mirror_server: LiveServer) -> None:
    """The instance is the path of a refused request, or its id where there is no path."""
    head = b"POST /x?secret HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    known = mirror_server.ask(head + b"z\r\n").problem
    unknown = mirror_server.ask(b"\x16\x03\x01").problem

    assert known["instance"] == "/x"
    assert unknown["instance"] == f"urn:uuid:{unknown['requestId']}"


def test_refused_head_requests_get_no_body(mirror_server: LiveServer) -> None:
    """The answer to HEAD has no body, also where the server refuses."""
    refused = mirror_server.ask(b"HEAD / HTTP/1.1\r\n\r\n", "HEAD")
    too_large = mirror_server.ask(b"HEAD / HTTP/1.1\r\nX: " + b"a" * 40_000, "HEAD")

    assert (refused.status, refused.body) == (400, b"")
    assert (too_large.status, too_large.body) == (431, b"")
