-- The queries of a rebuild. The tables of a generation are named by code: see table_writes.py.

-- name: standing
select name, schema_version, generation, position, previous from projections where name = $1

-- One rebuild of a projection at a time, and none while a process of an interrupted one still writes.
-- name: lock_rebuild
select pg_try_advisory_lock(72057594, hashtext($1))

-- name: lock_loading
select pg_try_advisory_lock(72057595, hashtext($1))

-- name: unlock_loading
select pg_advisory_unlock(72057595, hashtext($1))

-- name: share_loading
select pg_try_advisory_lock_shared(72057595, hashtext($1))

-- name: begin_generation
select begin_generation($1)

-- name: index_generation
select index_generation($1, $2)

-- name: serve_generation
select serve_generation($1, $2, $3, $4, $5)

-- name: drop_stray_generations
select drop_stray_generations($1)

-- name: head
select coalesce(max(position), 0) from events

-- How many events of a category there are up to a position; nearly all are of posts.
-- name: events_beside_posts
select category, count(*) from events where category <> 'post' and position <= $1 group by category

-- Ids of streams that cut the events of a category into parts of about the same size.
-- name: cuts_of_sample
select unnest(percentile_disc($2::float8[]) within group (order by stream_id))
from events tablesample system ($3) where category = $1

-- name: cuts_of_others
select unnest(percentile_disc($2::float8[]) within group (order by stream_id))
from events where category <> 'post' and category = $1

-- Streams with events between two positions.
-- name: touched_streams
select distinct stream_id from events where position > $2 and position <= $3 and category = $1

-- Their histories up to a position, one after the other. Lateral, so that it is one look into the
-- index for each.
-- name: histories_of
select stream_id, version, position, type, data, recorded_at
from unnest($2::uuid[]) as asked(id)
cross join lateral (
  select * from events
  where stream_id = asked.id and category = $1 and position <= $3
  order by version) as e
order by stream_id, version

-- All histories of a part, in the order of an index.
-- name: histories_between
select stream_id, version, position, type, data, recorded_at
from events
where category = $1 and stream_id >= $2 and stream_id < $3 and position <= $4
order by stream_id, category, version

-- name: histories_to_the_end
select stream_id, version, position, type, data, recorded_at
from events
where category = $1 and stream_id >= $2 and position <= $3
order by stream_id, category, version

-- The lock under which `append_events` writes.
-- name: lock_appends
select pg_advisory_xact_lock(7205759403792793)

-- Whoever leads a projection that the projector runs does so no more; and nobody for a little while,
-- unless the generations change places before.
-- name: lead
update projections set
  epoch = epoch + 1, leader = $2, lease_until = clock_timestamp() + make_interval(secs => $3)
where name = $1

-- name: lock_standing
select position from projections where name = $1 for update

-- name: skipped
select data from events
where category <> 'post' and category = 'projection' and stream_id = $1
  and type = 'projection.event-skipped.v1'

-- name: record
select verdicts from append_events(
  array['projection'], array[$1::uuid], array[-1], array[$2::text], array[$3::timestamptz],
  array[1], array[1], array[$4::uuid], array[$5::text], array[$6::text],
  null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)

-- name: position
select position from projections where name = $1
