"""`make bench`: the store, the HTTP layer, files, signing in, rebuilds of a million events."""

import uvloop

from tests.bench import files, http, logins, projections, store

uvloop.run(store.main())
uvloop.run(http.main())
uvloop.run(files.main())
uvloop.run(logins.main())
uvloop.run(projections.main())
