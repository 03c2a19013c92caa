"""`make bench`: the store, the HTTP layer, signing in, then rebuilds of a million events."""

import uvloop

from tests.bench import http, logins, projections, store

uvloop.run(store.main())
uvloop.run(http.main())
uvloop.run(logins.main())
uvloop.run(projections.main())
