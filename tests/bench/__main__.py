"""`make bench`: store, HTTP layer, files, exports, signing in, rebuilds of a million events."""

import uvloop

from tests.bench import exports, files, http, logins, projections, store

uvloop.run(store.main())
uvloop.run(http.main())
uvloop.run(files.main())
uvloop.run(exports.main())
uvloop.run(logins.main())
uvloop.run(projections.main())
