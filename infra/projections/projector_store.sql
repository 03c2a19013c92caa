-- The queries of the projector. Each is prepared against PostgreSQL in a test. All times are those of
-- the database, so that no host's clock has a say in who leads.

-- Nobody waits for a row that somebody else is changing: whoever does that leads.
-- name: take
update projections p set
  epoch = p.epoch + 1, leader = $2, heartbeat_at = clock_timestamp(),
  lease_until = clock_timestamp() + make_interval(secs => $3)
from (
  select name, leader from projections
  where name = $1 and position is not null and schema_version = $4
    and (leader is null or leader = $2 or lease_until < clock_timestamp())
  for update skip locked) as free
where p.name = free.name
returning p.epoch, p.position, p.halted::text, free.leader is not null and free.leader <> $2

-- name: beat
update projections set
  heartbeat_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => $3)
where name = $1 and epoch = $2
returning position, halted::text, (select coalesce(max(e.position), 0) from events e)

-- name: give_up
update projections set leader = null, lease_until = null where name = $1 and epoch = $2

-- name: halt
update projections set halted = $4::text::jsonb, heartbeat_at = clock_timestamp()
where name = $1 and epoch = $2 and position = $3
returning true

-- name: go_on
update projections set halted = null where name = $1 and (halted->>'position')::bigint = $2

-- The beginnings of several streams at once, each from after one version to before another.
-- name: histories
select e.position, e.category, e.stream_id, e.version, e.type, e.data, e.recorded_at
from unnest($2::uuid[], $3::int[], $4::int[]) as asked(stream_id, after, until)
cross join lateral (
  select * from events
  where stream_id = asked.stream_id and category = $1
    and version > asked.after and version < asked.until
  order by version limit $5) as e
order by e.stream_id, e.version
