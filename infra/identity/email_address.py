"""Which texts are taken for email addresses. Whether one works, a message to it shows."""

import email_validator

_LONGEST = 254
"""Bytes that fit the path of a message: RFC 5321, section 4.5.3.1.3."""

# Names of no use in the Internet, but inside an organisation or a development machine.
for _name in ("local", "localhost", "test"):
    if _name in email_validator.SPECIAL_USE_DOMAIN_NAMES:
        email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(_name)


def email_fault(text: str) -> str | None:
    """Say why a text is no email address, or nothing. Spaces around it do not count.

    An address is `local@domain` of RFC 6531: letters of any script, without quoted local parts,
    comments, display names and IP addresses for a domain, which people use for mischief alone.
    """
    address = text.strip()
    if len(address.encode(errors="surrogatepass")) > _LONGEST:
        return f"is longer than {_LONGEST} bytes"
    try:
        valid = email_validator.validate_email(
            address,
            allow_smtputf8=True,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            globally_deliverable=False,
            check_deliverability=False,
        )
    except email_validator.EmailNotValidError as error:
        return f"is not an email address: {str(error).rstrip('.')}"
    if valid.domain.rpartition(".")[2].isdecimal():
        return "is not an email address: The part after the @-sign ends like an IP address"
    return None
