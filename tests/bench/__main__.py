"""`make bench`: the store, then the HTTP layer."""

import uvloop

from tests.bench import http, store

uvloop.run(store.main())
uvloop.run(http.main())
