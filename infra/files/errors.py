"""What goes wrong with storage, in the words of the port."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError

from commands.file_store import StorageFullError, StorageUnavailableError

# EFBIG: a limit on the size of files (RLIMIT_FSIZE) is room that is not there.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def storage_errors() -> Iterator[None]:
    """Let what goes wrong inside leave as an error of the port."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError(str(error)) from error
        raise StorageUnavailableError(str(error)) from error
    except BaseError as error:
        raise StorageUnavailableError(str(error)) from error
