-- The queries that hold the log against itself and against the tables that are made from it.

-- name: positions
select position from events order by position

-- name: extent
select coalesce(max(position), 0), count(*) from events

-- In the order of an index: one history after the other, so that no more than one is in memory.
-- name: histories
select position, category, stream_id, version, type, data, recorded_at
from events order by stream_id, category, version

-- name: holder
select owner_id from claims where scope = $1 and key = $2

-- The lock under which `append_events` writes: nobody takes or frees a claim until this commits.
-- name: lock_appends
select pg_advisory_xact_lock(7205759403792793)

-- name: forget_claims
with forgotten as (delete from claims returning 1) select count(*) from forgotten

-- Gives those that were free.
-- name: take_claims
insert into claims (scope, key, owner_id)
select scope, key, owner_id
from unnest($1::text[], $2::text[], $3::uuid[]) as held(scope, key, owner_id)
on conflict do nothing
returning scope, key

-- Which generation of each read model is served.
-- name: served
select t.name, p.generation from projection_tables t join projections p on p.name = t.projection
