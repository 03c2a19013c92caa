"""The one exception of the embedded services."""


class ServiceError(Exception):
    """An embedded service cannot be found, started or used; the message says what to do."""
