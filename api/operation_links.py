"""What leads on from an answer: the links of the OpenAPI document.

A link says which operation can follow, and where its parameters stand in the answer or in what was
asked. Clients and generated tests walk the API by them. To add one: its row in `LINKS`, and its
name in the rows of `FOLLOWING` that it follows. Tests require that both are of the document.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

Json = dict[str, Any]

_ID = "$response.body#/id"
_FIRST = "$response.body#/items/0/id"
_TAG = "$response.header.ETag"
_NEXT = {"cursor": "$response.body#/nextCursor"}
_AGAIN = "Ask again: 304 unless it changed."
_NEXT_PAGE = "The next page, if there is one."


class Link(NamedTuple):
    """An operation that can follow, with runtime expressions for its parameters."""

    to: str
    parameters: Mapping[str, str]
    description: str


def _of_post(operation: str, description: str, *, by: str = _ID) -> Link:
    return Link(operation, {"post_id": by}, description)


def _change_of_post(operation: str, description: str) -> Link:
    return Link(operation, {"post_id": _ID, "If-Match": _TAG}, description)


LINKS: Mapping[str, Link] = {
    "readPost": _of_post("readPost", "Read it as it is."),
    "readPostAgain": Link(
        "readPost", {"post_id": "$request.path.post_id", "If-None-Match": _TAG}, _AGAIN
    ),
    "readPostBySlug": Link(
        "readPostBySlug", {"slug": "$response.body#/slug"}, "Read it at its public address."
    ),
    "editPost": _change_of_post("editPost", "Edit this version of it."),
    "publishPost": _change_of_post("publishPost", "Publish this version of it."),
    "unpublishPost": _change_of_post("unpublishPost", "Make it a draft again."),
    "schedulePost": _change_of_post("schedulePost", "Let it be published later."),
    "archivePost": _change_of_post("archivePost", "Put it away."),
    "revertPost": _change_of_post("revertPost", "Give it the content of an earlier version."),
    "revertToVersion": _of_post("revertPost", "Give it this content again, by its `version`."),
    "deletePost": _change_of_post("deletePost", "Delete this version of it."),
    "placeLegalHold": _of_post("placeLegalHold", "Hide it from readers for a legal reason."),
    "liftLegalHold": _of_post("liftLegalHold", "Show it to readers again."),
    "restorePost": _of_post("restorePost", "Bring it back.", by="$request.path.post_id"),
    "listVersions": _of_post("listVersions", "See how it came to be."),
    "readAuthor": Link("readUser", {"user_id": "$response.body#/authorId"}, "See who wrote it."),
    "readStreamOfPost": Link(
        "readStream", {"category": "post", "stream_id": _ID}, "Read its events."
    ),
    "readFirstPost": _of_post("readPost", "Read the first of them.", by=_FIRST),
    "nextPosts": Link("listPosts", _NEXT, _NEXT_PAGE),
    "readFirstVersion": Link(
        "readVersion",
        {"post_id": "$request.path.post_id", "version": "$response.body#/items/0/version"},
        "Read the first of them as it was.",
    ),
    "nextVersions": Link(
        "listVersions",
        {"post_id": "$request.path.post_id", "after": "$response.body#/nextAfter"},
        _NEXT_PAGE,
    ),
    "createPostWithFile": Link(
        "createPost", {}, "Its id can be the `coverImage` of a post, or one of its `attachments`."
    ),
    "downloadFile": Link("downloadFile", {"file_id": _ID}, "Get its bytes."),
    "readFileMetadata": Link("readFileMetadata", {"file_id": _ID}, "See what it is."),
    "downloadThumbnail": Link(
        "downloadThumbnail",
        {"file_id": _ID, "width": "$response.body#/thumbnails/0/width"},
        "Get the first of its thumbnails, once they are made.",
    ),
    "deleteFile": Link("deleteFile", {"file_id": _ID, "If-Match": _TAG}, "Delete it."),
    "readFirstFile": Link("readFileMetadata", {"file_id": _FIRST}, "See the first of them."),
    "nextFiles": Link("listFiles", _NEXT, _NEXT_PAGE),
    "readExport": Link(
        "readExport",
        {"export_id": "$response.body#/jobId"},
        "See how far it is; when it is done, this leads to the download.",
    ),
    "followExport": Link(
        "followExport", {"export_id": "$response.body#/jobId"}, "Be told how far it is."
    ),
    "removeExport": Link(
        "removeExport", {"export_id": "$response.body#/jobId"}, "Call it off, or remove it."
    ),
    "readFirstExport": Link(
        "readExport", {"export_id": "$response.body#/items/0/jobId"}, "See the first of them."
    ),
    "nextExports": Link("listExports", _NEXT, _NEXT_PAGE),
    "readRedirect": Link("readRedirect", {"redirect_id": _ID}, "Read it as it is."),
    "editRedirect": Link(
        "editRedirect", {"redirect_id": _ID, "If-Match": _TAG}, "Edit this version of it."
    ),
    "deleteRedirect": Link(
        "deleteRedirect", {"redirect_id": _ID, "If-Match": _TAG}, "Delete this version of it."
    ),
    "readFirstRedirect": Link("readRedirect", {"redirect_id": _FIRST}, "Read the first of them."),
    "nextRedirects": Link("listRedirects", _NEXT, _NEXT_PAGE),
    "nextClicks": Link("listClicks", _NEXT, _NEXT_PAGE),
    "readUser": Link("readUser", {"user_id": _ID}, "See the account."),
    "readUserAgain": Link(
        "readUser", {"user_id": "$request.path.user_id", "If-None-Match": _TAG}, _AGAIN
    ),
    "disableUser": Link("disableUser", {"user_id": _ID, "If-Match": _TAG}, "Disable the account."),
    "enableUser": Link("enableUser", {"user_id": _ID, "If-Match": _TAG}, "Enable it again."),
    "changeRoles": Link("changeRoles", {"user_id": _ID, "If-Match": _TAG}, "Change its roles."),
    "readFirstUser": Link("readUser", {"user_id": _FIRST}, "See the first of them."),
    "nextUsers": Link("listUsers", _NEXT, _NEXT_PAGE),
    "renewTokens": Link("renewTokens", {}, "Trade `refreshToken` for new tokens."),
    "readMe": Link("readMe", {}, "See one's own account, with `token` as the bearer token."),
    "listSessions": Link("listSessions", {}, "See where one is signed in."),
    "endFirstSession": Link("endSession", {"session_id": _FIRST}, "End the first of them."),
    "confirmSecondFactor": Link(
        "confirmSecondFactor", {}, "Prove that the authenticator has the secret."
    ),
    "readFirstEvent": Link(
        "readEvent", {"position": "$response.body#/items/0/position"}, "Read the first of them."
    ),
    "nextEvents": Link("readLog", {"after": "$response.body#/nextAfter"}, _NEXT_PAGE),
    "nextEventsOfStream": Link(
        "readStream",
        {
            "category": "$request.path.category",
            "stream_id": "$request.path.stream_id",
            "after": "$response.body#/nextAfter",
        },
        _NEXT_PAGE,
    ),
    "readFirstProjection": Link(
        "readProjection", {"name": "$response.body#/items/0/name"}, "See how the first one stands."
    ),
    "rebuildProjection": Link(
        "rebuildProjection",
        {"name": "$response.body#/name"},
        "Build it anew beside what is served.",
    ),
    "readRebuild": Link(
        "readRebuild",
        {"name": "$request.path.name", "rebuild_id": _ID},
        "See how far the rebuild is.",
    ),
    "cancelRebuild": Link(
        "cancelRebuild", {"name": "$request.path.name", "rebuild_id": _ID}, "Call it off."
    ),
    "readWebhook": Link("readWebhook", {"webhook_id": _ID}, "See how it stands."),
    "editWebhook": Link(
        "editWebhook", {"webhook_id": _ID, "If-Match": _TAG}, "Edit this version of it."
    ),
    "pauseWebhook": Link(
        "pauseWebhook", {"webhook_id": _ID, "If-Match": _TAG}, "Have nothing sent for now."
    ),
    "resumeWebhook": Link(
        "resumeWebhook", {"webhook_id": _ID, "If-Match": _TAG}, "Have it go on where it stood."
    ),
    "testWebhook": Link("testWebhook", {"webhook_id": _ID}, "Have a test sent."),
    "rotateWebhookSecret": Link(
        "rotateWebhookSecret", {"webhook_id": _ID, "If-Match": _TAG}, "Sign with a new secret."
    ),
    "readWebhookProgress": Link(
        "readWebhookProgress", {"webhook_id": _ID}, "See how far it has come."
    ),
    "listDeliveries": Link("listDeliveries", {"webhook_id": _ID}, "See what was sent."),
    "removeWebhook": Link("removeWebhook", {"webhook_id": _ID, "If-Match": _TAG}, "Remove it."),
    "readFirstWebhook": Link("readWebhook", {"webhook_id": _FIRST}, "See the first of them."),
    "nextWebhooks": Link("listWebhooks", _NEXT, _NEXT_PAGE),
    "readDelivery": Link(
        "readDelivery",
        {"webhook_id": "$request.path.webhook_id", "delivery_id": _ID},
        "See whether it arrived.",
    ),
    "readFirstDelivery": Link(
        "readDelivery",
        {"webhook_id": "$request.path.webhook_id", "delivery_id": _FIRST},
        "See the first of them.",
    ),
    "nextDeliveries": Link(
        "listDeliveries", {"webhook_id": "$request.path.webhook_id", **_NEXT}, _NEXT_PAGE
    ),
    "replayDelivery": Link(
        "replayDelivery",
        {"webhook_id": "$request.path.webhook_id", "delivery_id": _ID},
        "Have it sent again.",
    ),
    "readFirstProblem": Link(
        "readProblem", {"error": "$response.body#/items/0/error"}, "Read about the first of them."
    ),
    "readFirstStatus": Link(
        "readHttpStatus", {"code": "$response.body#/items/0/code"}, "Read about the first of them."
    ),
}
"""Every link, by its name."""

_OF_WEBHOOK = (
    *("readWebhook", "editWebhook", "pauseWebhook", "resumeWebhook", "testWebhook"),
    *("rotateWebhookSecret", "readWebhookProgress", "listDeliveries", "removeWebhook"),
)
_OF_REDIRECT = ("readRedirect", "editRedirect", "deleteRedirect")
_OF_FILE = ("downloadFile", "downloadThumbnail", "createPostWithFile", "deleteFile")
_OF_REBUILD = ("readRebuild", "cancelRebuild")

FOLLOWING: Mapping[tuple[str, int], tuple[str, ...]] = {
    ("listPosts", 200): ("readFirstPost", "nextPosts"),
    ("createPost", 201): (
        *("readPost", "editPost", "publishPost", "schedulePost", "deletePost"),
        *("listVersions", "placeLegalHold", "readStreamOfPost"),
    ),
    ("readPost", 200): (
        *("readPostAgain", "editPost", "publishPost", "unpublishPost", "archivePost"),
        *("deletePost", "listVersions", "readAuthor"),
    ),
    ("readPostBySlug", 200): ("readPost", "editPost"),
    ("editPost", 200): ("readPost", "editPost", "publishPost", "revertPost"),
    ("publishPost", 200): ("readPostBySlug", "editPost", "unpublishPost", "archivePost"),
    ("unpublishPost", 200): ("editPost", "publishPost"),
    ("schedulePost", 200): ("readPost", "publishPost", "unpublishPost"),
    ("archivePost", 200): ("readPost", "unpublishPost", "deletePost"),
    ("revertPost", 200): ("readPost", "editPost"),
    ("deletePost", 204): ("restorePost",),
    ("restorePost", 200): ("readPost", "editPost"),
    ("placeLegalHold", 200): ("readPost", "liftLegalHold"),
    ("liftLegalHold", 200): ("readPost",),
    ("listVersions", 200): ("readFirstVersion", "nextVersions"),
    ("readVersion", 200): ("revertToVersion",),
    ("uploadFile", 201): ("readFileMetadata", *_OF_FILE),
    ("readFileMetadata", 200): _OF_FILE,
    ("listFiles", 200): ("readFirstFile", "nextFiles"),
    ("requestExport", 202): ("readExport", "followExport", "removeExport"),
    ("readExport", 200): ("readExport", "followExport", "removeExport"),
    ("listExports", 200): ("readFirstExport", "nextExports"),
    ("createRedirect", 201): _OF_REDIRECT,
    ("readRedirect", 200): _OF_REDIRECT,
    ("editRedirect", 200): _OF_REDIRECT,
    ("listRedirects", 200): ("readFirstRedirect", "nextRedirects"),
    ("listWebhooks", 200): ("readFirstWebhook", "nextWebhooks"),
    ("registerWebhook", 201): _OF_WEBHOOK,
    ("readWebhook", 200): _OF_WEBHOOK,
    ("editWebhook", 200): ("readWebhook", "editWebhook"),
    ("pauseWebhook", 200): ("readWebhook", "resumeWebhook"),
    ("resumeWebhook", 200): ("readWebhook", "pauseWebhook"),
    ("testWebhook", 202): ("readDelivery",),
    ("listDeliveries", 200): ("readFirstDelivery", "nextDeliveries"),
    ("readDelivery", 200): ("replayDelivery",),
    ("listClicks", 200): ("nextClicks",),
    ("listUsers", 200): ("readFirstUser", "nextUsers"),
    ("readUser", 200): ("readUserAgain", "disableUser", "enableUser", "changeRoles"),
    ("disableUser", 200): ("readUser", "enableUser"),
    ("enableUser", 200): ("readUser", "disableUser"),
    ("changeRoles", 200): ("readUser", "changeRoles"),
    ("verifyRegistration", 201): ("readUser",),
    ("logIn", 200): ("readMe", "renewTokens"),
    ("renewTokens", 200): ("readMe", "renewTokens"),
    ("readMe", 200): ("readUser", "listSessions"),
    ("listSessions", 200): ("endFirstSession",),
    ("beginSecondFactor", 200): ("confirmSecondFactor",),
    ("readLog", 200): ("readFirstEvent", "nextEvents"),
    ("readStream", 200): ("readFirstEvent", "nextEventsOfStream"),
    ("listProjections", 200): ("readFirstProjection",),
    ("readProjection", 200): ("rebuildProjection",),
    ("rebuildProjection", 202): _OF_REBUILD,
    ("readRebuild", 200): _OF_REBUILD,
    ("listProblems", 200): ("readFirstProblem",),
    ("listHttpStatuses", 200): ("readFirstStatus",),
}
"""The links that an operation's answer of a status has."""


def links_of(operation: str, status: int) -> Json:
    """Refer to the links of an answer, by their names; nothing where it has none."""
    names = FOLLOWING.get((operation, status), ())
    return {name: {"$ref": f"#/components/links/{name}"} for name in names}


def link_components() -> Json:
    """Give all links as the document has them."""
    return {
        name: {
            "operationId": link.to,
            "description": link.description,
            "parameters": dict(link.parameters),
        }
        for name, link in LINKS.items()
    }
