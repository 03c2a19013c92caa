"""Uploads that no honest client sends: names that would break out, and forms that are none."""

from collections.abc import Iterator

from domain.file_type import FileType
from tests.support.hostile_files import MISMATCH, NOT_ALLOWED, SCRIPT, Hostile, hostile
from tests.support.uploading import BOUNDARY, FORM, SAMPLES, form, part

INVALID = (400, "invalid_body")
NO_FILE = (400, "no_file")
TOO_MANY = (400, "too_many_files")
MALFORMED = (400, "malformed_header")
NO_FORM = (415, "unsupported_media_type")

_PNG = SAMPLES[FileType.PNG]
_B = BOUNDARY.encode()
_DISPOSITION = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\n'
_TYPE = b"Content-Type: image/png\r\n"


def hostile_forms() -> Iterator[Hostile]:
    """Make them all."""
    yield from _names()
    yield from _broken_names()
    yield from _syntax()
    yield from _parts()
    yield from _media_types()


def _form(head: bytes, content: bytes = _PNG) -> bytes:
    return b"--" + _B + b"\r\n" + head + b"\r\n" + content + b"\r\n--" + _B + b"--\r\n"


def _named(disposition: bytes) -> bytes:
    return _form(b"Content-Disposition: form-data; " + disposition + b"\r\n" + _TYPE)


def _names() -> Iterator[Hostile]:
    """Names that are taken, as far as they can be seen and do no harm."""
    names = {
        "cr-lf": "a%0D%0ASet-Cookie: s=1%0D%0A.png",
        "backslash-r-n": "a\\r\\nX: y.png",
        "quote-escaped": 'a\\"; filename=\\"b.html',
        "quote-encoded": "a%22; x=%22.png",
        "backslash": "a\\b\\c.png",
        "backslash-last": "a.png\\\\",
        "tab": "a\tb.png",
        "vertical-tab": "a\x0bb.png",
        "escape": "\x1b[31mred.png",
        "delete": "a\x7f.png",
        "c1-control": "a\x85b.png",
        "line-separator": "a\u2028b\u2029.png",
        "right-to-left": "photo\u202egnp.exe",
        "isolates": "\u2066\u2067a\u2069.png",
        "zero-width": "a\u200b\u200d\ufeff.png",
        "up": "../../../../etc/passwd",
        "up-windows": "..\\\\..\\\\windows\\\\system32\\\\a.dll",
        "up-encoded": "..%2f..%2fetc%2fpasswd",
        "absolute": "/etc/cron.d/evil",
        "drive": "C:\\\\autoexec.bat",
        "share": "\\\\\\\\host\\\\share\\\\a.exe",
        "stream": "a.png:evil.exe",
        "dots": "....",
        "dot": ".",
        "hidden": ".htaccess",
        "dot-last": "a.exe. . .",
        "spaces": "     ",
        "device": "CON",
        "device-png": "nul.png",
        "option": "-rf",
        "home": "~/.ssh/authorized_keys",
        "shell": "$(reboot)`reboot`;reboot|reboot&.png",
        "percent": "%s%n%x.png",
        "markup": "<script>alert(1)<%2fscript>.png",
        "formula": "=cmd|'!A0.png",
        "semicolon": "a.png;.html",
        "comma": "a.png, b.html",
        "two-extensions": "a.png.html",
        "nul-encoded": "a.html%00.png",
        "emoji": "\U0001f600\U0001f469\u200d\U0001f4bb.png",
        "tower-of-marks": "Z" + "\u0301\u0316" * 500 + ".png",
        "wide": "\uff0e\uff0e\uff0f\uff0e\uff0e\uff0fa.png",
        "long": "x" * 4_000 + ".png",
        "long-emoji": "\U0001f600" * 1_000 + ".png",
        "long-extension": "a." + "p" * 3_000,
        "private-use": "\ue000\U0010ffff.png",
        "sql": "'; drop table files; --.png",
        "words-of-mail": "=?utf-8?q?=0d=0aX:_y?=.png",
    }
    for name, filename in names.items():
        yield hostile(f"name-{name}", _PNG, "image/png", filename=filename)


def _broken_names() -> Iterator[Hostile]:
    """Fields that give a name in ways that are old, twofold or wrong."""
    taken = {
        "star": b"name=file; filename*=UTF-8''%e2%82%ac%0d%0aX%3a%20y.png",
        "star-latin": b"name=file; filename*=iso-8859-1'en'%a3.png",
        "star-up": b"name=file; filename*=UTF-8''..%2f..%2fa.png",
        "star-nul": b"name=file; filename*=UTF-8''a%00.png",
        "both": b"name=file; filename=\"plain.png\"; filename*=UTF-8''%e2%82%ac.html",
        "both-other-way": b"name=file; filename*=UTF-8''%e2%82%ac.html; filename=\"plain.png\"",
        "unquoted": b"name=file; filename=a.png",
        "upper": b'NAME="file"; FILENAME="a.png"',
        "no-name": b'filename="a.png"',
        "empty-name": b'name=""; filename="a.png"',
        "name-with-line-break": b'name="%0d%0aX: y"; filename="a.png"',
        "name-of-markup": b'name="<script>"; filename="a.png"',
        "nul": b'name="file"; filename="a.html\0.png"',
        "cr-lf": b'name="file"; filename="a\r\nX: y.png"',
        "lf": b'name="file"; filename="a\nb.png"',
        "cr": b'name="file"; filename="a\rb.png"',
        "not-closed": b'name="file"; filename="a.png',
        "twice": b'name="file"; filename="a.png"; filename="b.html"',
    }
    for name, disposition in taken.items():
        yield Hostile(f"disposition-{name}", _named(disposition), content=_PNG)
    yield Hostile("name-invalid-utf-8", _named(b'name="file"; filename="a\xff\xfe.png"'), INVALID)
    yield Hostile("name-overlong-utf-8", _named(b'name="file"; filename="\xc0\xae.png"'), INVALID)
    yield Hostile("name-surrogate", _named(b'name="file"; filename="\xed\xa0\x80.png"'), INVALID)
    yield Hostile("name-of-5000", _named(b'name="file"; filename="' + b"x" * 5_000 + b'"'), INVALID)


def _syntax() -> Iterator[Hostile]:
    """Bodies that are no forms."""
    good = _form(_DISPOSITION + _TYPE)
    opening = b"--" + _B + b"\r\n"
    many = b"".join(b"X-%d: y\r\n" % number for number in range(33))
    yield Hostile("empty-body", b"", INVALID)
    yield Hostile("no-parts", b"--" + _B + b"--\r\n", NO_FILE)
    yield Hostile("not-a-form", b"hello", INVALID)
    yield Hostile("another-boundary", good.replace(_B, b"another"), INVALID)
    yield Hostile("no-end", good[: -len(_B) - 6], INVALID)
    yield Hostile("end-without-dashes", good[:-4] + b"\r\n", INVALID)
    yield Hostile("no-content", opening + _DISPOSITION + _TYPE, INVALID)
    yield Hostile("no-head", opening + b"\r\n" + _PNG + b"\r\n--" + _B + b"--", INVALID)
    yield Hostile("line-feeds", good.replace(b"\r\n", b"\n"), INVALID)
    yield Hostile("carriage-returns", good.replace(b"\r\n", b"\r"), INVALID)
    yield Hostile("junk-before", b"junk" + good, INVALID)
    yield Hostile("junk-after-boundary", good.replace(opening, b"--" + _B + b"x\r\n", 1), INVALID)
    yield Hostile(
        "spaces-after-boundary", good.replace(opening, b"--" + _B + b"  \r\n", 1), INVALID
    )
    yield Hostile("preamble", b"Look here:\r\n" + good, content=_PNG)
    yield Hostile("more-after-the-end", good + SCRIPT, content=_PNG)
    yield Hostile("a-form-after-the-end", good + good, content=_PNG)
    yield Hostile("zeros-after-the-end", good + bytes(60_000), content=_PNG)
    yield Hostile(
        "too-much-after-the-end", good + bytes(10 * 1024 * 1024 + 70_000), (413, "file_too_large")
    )
    yield Hostile("no-colon", _form(b"hello\r\n" + _DISPOSITION + _TYPE), INVALID)
    yield Hostile("no-disposition", _form(_TYPE), INVALID)
    yield Hostile("disposition-empty", _form(b"Content-Disposition:\r\n" + _TYPE), INVALID)
    yield Hostile(
        "attachment", _form(b'Content-Disposition: attachment; filename="a"\r\n' + _TYPE), INVALID
    )
    yield Hostile("head-without-name", _form(b": x\r\n" + _DISPOSITION + _TYPE), INVALID)
    yield Hostile("head-of-nul", _form(b"X\0: y\r\n" + _DISPOSITION + _TYPE), INVALID)
    yield Hostile("head-of-bytes", _form(b"X-\xff: y\r\n" + _DISPOSITION + _TYPE), INVALID)
    yield Hostile("head-begins-with-space", _form(b" X: y\r\n" + _DISPOSITION + _TYPE), INVALID)
    yield Hostile("many-heads", _form(many + _DISPOSITION + _TYPE), INVALID)
    yield Hostile(
        "long-head", _form(b"X: " + b"y" * 5_000 + b"\r\n" + _DISPOSITION + _TYPE), INVALID
    )
    yield Hostile("endless-head", opening + b"X: " + b"y" * 500_000, INVALID)
    yield Hostile("two-dispositions", _form(_DISPOSITION * 2 + _TYPE), INVALID)
    yield Hostile(
        "two-types", _form(_DISPOSITION + _TYPE + b"Content-Type: text/html\r\n"), INVALID
    )


def _parts() -> Iterator[Hostile]:
    """Forms whose parts are too many, too few or of a kind that is not taken."""
    file, field = part(_PNG), part(b"x", name="a", filename=None, mime=None)
    inner = form(part(SCRIPT, mime="text/html")).replace(_B, b"inner")
    yield Hostile("two-files", form(file, file), TOO_MANY)
    yield Hostile(
        "a-file-and-a-page", form(file, part(SCRIPT, name="b", mime="text/html")), TOO_MANY
    )
    yield Hostile("fields-alone", form(field, field), NO_FILE)
    yield Hostile("file-left-empty", form(part(b"", filename="", mime="image/png")), NO_FILE)
    yield Hostile("five-fields", form(field, field, field, field, field, file), content=_PNG)
    yield Hostile("six-fields", form(*[field] * 6, file), INVALID)
    yield Hostile("many-parts", form(*[field] * 5_000), INVALID)
    yield Hostile(
        "charset-field",
        form(part(b"utf-7", name="_charset_", filename=None, mime=None), file),
        content=_PNG,
    )
    yield Hostile(
        "large-field",
        form(part(b"x" * 60_000, name="a", filename=None, mime=None), file),
        content=_PNG,
    )
    yield Hostile(
        "nested",
        _form(_DISPOSITION + b"Content-Type: multipart/mixed; boundary=inner\r\n", inner),
        NOT_ALLOWED,
    )
    yield Hostile("nested-as-png", _form(_DISPOSITION + _TYPE, inner), MISMATCH)
    coded = b"iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAAAAAC4HznGAAAAC0lEQVR4nGNo"
    for coding in (b"base64", b"quoted-printable", b"gzip", b"x-unknown"):
        head = _DISPOSITION + _TYPE + b"Content-Transfer-Encoding: " + coding + b"\r\n"
        yield Hostile(f"coded-{coding.decode()}", _form(head, coded), MISMATCH)
        yield Hostile(f"said-to-be-coded-{coding.decode()}", _form(head), content=_PNG)
    for more in (
        b"Transfer-Encoding: chunked\r\n",
        *(b"Content-Encoding: gzip\r\n", b"Location: https://evil.example\r\n", b"Host: evil\r\n"),
        *(
            b"Authorization: Bearer x\r\n",
            b"Set-Cookie: a=b\r\n",
            b"Content-Range: bytes 0-1/2\r\n",
        ),
    ):
        name = more.partition(b":")[0].decode().lower()
        yield Hostile(f"part-says-{name}", _form(_DISPOSITION + _TYPE + more), content=_PNG)
    for length in (b"1", b"-1", b"999999999999"):
        head = _DISPOSITION + _TYPE + b"Content-Length: " + length + b"\r\n"
        yield Hostile(f"part-of-length{length.decode()}", _form(head), INVALID)
    inside = _PNG + b"\r\n--" + _B[:-1] + b"\r\n\r\n--" + _B[:-2] + b"--\r\n-- " + _B
    yield Hostile("almost-the-boundary-inside", _form(_DISPOSITION + _TYPE, inside), content=inside)
    split = (
        _PNG + b"\r\n--" + _B + b"\r\n" + _DISPOSITION + b"Content-Type: text/html\r\n\r\n" + SCRIPT
    )
    yield Hostile("the-boundary-inside", _form(_DISPOSITION + _TYPE, split), TOO_MANY)
    breaks = _PNG + b"\r" * 300_000 + b"\r\n" * 100_000
    yield Hostile("line-breaks-inside", _form(_DISPOSITION + _TYPE, breaks), content=breaks)


def _media_types() -> Iterator[Hostile]:
    """Forms that are said to be something else, or to have another boundary."""
    good = _form(_DISPOSITION + _TYPE)
    kind = "multipart/form-data"
    refused = {
        "none": (None, NO_FORM),
        "json": ("application/json", NO_FORM),
        "urlencoded": ("application/x-www-form-urlencoded", NO_FORM),
        "mixed": (f"multipart/mixed; boundary={BOUNDARY}", NO_FORM),
        "image": ("image/png", NO_FORM),
        "utf-7": (f"{FORM}; charset=utf-7", NO_FORM),
        "utf-16": (f"{kind}; charset=utf-16; boundary={BOUNDARY}", NO_FORM),
        "no-boundary": (kind, MALFORMED),
        "empty-boundary": (f"{kind}; boundary=", NO_FORM),
        "empty-quoted-boundary": (f'{kind}; boundary=""', MALFORMED),
        "two-boundaries": (f"{kind}; boundary={BOUNDARY}; boundary=x", MALFORMED),
        "boundary-of-71": (f"{kind}; boundary={'x' * 71}", MALFORMED),
        "boundary-of-1000": (f"{kind}; boundary={'x' * 1000}", MALFORMED),
        "another": (f"{kind}; boundary=another", INVALID),
        "boundary-of-dashes": (f"{kind}; boundary=----", INVALID),
    }
    for name, (media_type, expected) in refused.items():
        yield Hostile(f"form-{name}", good, expected, media_type=media_type)
    for name, media_type in {
        "quoted": f'{kind}; boundary="{BOUNDARY}"',
        "upper": f"MULTIPART/FORM-DATA; BOUNDARY={BOUNDARY}",
    }.items():
        yield Hostile(f"form-{name}", good, media_type=media_type, content=_PNG)
