"""The errors about files: rows of the catalogue in `problem_catalogue.py`."""

from collections.abc import Mapping

from api.problem_row import Problem

_REFERENCE = "Guide 4; HTTP contract, 17"

FILE_PROBLEMS: Mapping[str, Problem] = {
    "no_file": Problem(
        400,
        "The form has no file",
        "No part of the form has a file name, and none is called file.",
        "Send the file as the member file of a multipart/form-data body.",
        _REFERENCE,
    ),
    "too_many_files": Problem(
        400,
        "The form has more than one file",
        "An upload takes one file.",
        "Upload one after the other.",
        _REFERENCE,
    ),
    "file_not_found": Problem(
        404,
        "There is no such file",
        "No file with this id is visible to whoever asks.",
        "Check the id; to see files that no published post shows, send an access token.",
        "RFC 9110, section 15.5.5",
    ),
    "file_in_use": Problem(
        409,
        "A post shows the file",
        "A file that a post shows cannot be deleted; collidesWith is the post.",
        "Take the file out of the post first, or delete the post.",
        "HTTP contract, 9; RFC 9110, section 15.5.10",
    ),
    "file_too_large": Problem(
        413,
        "The file is too large",
        "The file is longer than maxBytes. Nothing of it was kept.",
        "Send a smaller file.",
        f"{_REFERENCE}; RFC 9110, section 15.5.14",
    ),
    "mime_not_allowed": Problem(
        415,
        "Files of this type are not taken",
        "The file is said to be of a type that is not among allowed.",
        "Send a file of an allowed type, with that type as its part's Content-Type.",
        f"{_REFERENCE}; RFC 9110, section 15.5.16",
    ),
    "mime_mismatch": Problem(
        415,
        "The file is not what it is said to be",
        "The file's own bytes are not of the type that its part's Content-Type says.",
        "Say what the file is, or send a file that is what it is said to be.",
        f"{_REFERENCE}; RFC 9110, section 15.5.16",
    ),
    "image_unreadable": Problem(
        422,
        "The image cannot be read",
        "The file begins like an image, and its header cannot be read.",
        "Send an image that is whole; writing it anew with another program often helps.",
        _REFERENCE,
    ),
    "image_too_large": Problem(
        422,
        "The image has too many pixels",
        "Width times height of the image are more than 50 million.",
        "Send a smaller image.",
        _REFERENCE,
    ),
    "quota_exceeded": Problem(
        507,
        "Your files take all the room that they may",
        "With this file your files would have more bytes than an account's may.",
        "Delete files that you do not need.",
        f"{_REFERENCE}; RFC 4918, section 11.5",
    ),
    "storage_full": Problem(
        507,
        "There is no room left for files",
        "The place where files are kept is full. Nothing of the file was kept.",
        "Try again later; the operators have to make room.",
        f"{_REFERENCE}; RFC 4918, section 11.5",
    ),
}
