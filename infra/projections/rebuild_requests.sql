-- The queries of rebuilds that are asked for. Each is prepared against PostgreSQL in a test. All times
-- are those of the database, so that no host's clock has a say in who is silent.

-- name: ask
insert into projection_rebuilds (id, name, requested_by) values ($1, $2, $3)
on conflict (name) where status in ('queued', 'running') do nothing
returning id

-- name: under_way
select id from projection_rebuilds where name = $1 and status in ('queued', 'running')

-- name: one
select id, name, status, step, read, total, result::text, reason, requested_by, requested_at
from projection_rebuilds where id = $1

-- From the step `cut-over` on it may be done already.
-- name: cancel
update projection_rebuilds set status = 'cancelled', reason = null
where id = $1 and status in ('queued', 'running')
  and (step is null or step not in ('cut-over', 'clean'))
returning true

-- Whichever was tried too often is over.
-- name: take
with due as (
  select id, attempts from projection_rebuilds
  where status in ('queued', 'running') and name = any ($4::text[])
    and (heartbeat_at is null or heartbeat_at < clock_timestamp() - make_interval(secs => $2))
  order by requested_at
  for update skip locked
), given_up as (
  update projection_rebuilds r set
    status = 'failed', reason = coalesce(reason, 'Each projector that began it ended before it was done.')
  from due where r.id = due.id and due.attempts >= $3
)
update projection_rebuilds r set
  status = 'running', worker = $1, attempts = r.attempts + 1, step = 'begin', read = 0, total = 0,
  heartbeat_at = clock_timestamp()
where r.id = (select id from due where attempts < $3 limit 1)
returning r.id, r.name, r.requested_by, r.worker

-- name: beat
update projection_rebuilds set
  heartbeat_at = clock_timestamp(), step = coalesce($3, step), read = $4, total = $5
where id = $1 and worker = $2 and status = 'running'
returning true

-- name: complete
update projection_rebuilds set
  status = 'completed', step = null, reason = null, result = $3::text::jsonb
where id = $1 and worker = $2 and status = 'running'
returning true

-- name: fail
update projection_rebuilds set status = 'failed', reason = $3
where id = $1 and worker = $2 and status = 'running'
returning true

-- It waits as long as if its worker were silent. If it was the last attempt, `take` ends it.
-- name: put_off
update projection_rebuilds set
  status = 'queued', step = null, reason = $3, heartbeat_at = clock_timestamp()
where id = $1 and worker = $2 and status = 'running'
returning true

-- name: give_back
update projection_rebuilds set
  status = 'queued', step = null, attempts = attempts - 1, heartbeat_at = null
where id = $1 and worker = $2 and status = 'running'
returning true

-- The event of a rebuild whose worker ended between doing it and saying so.
-- name: rebuilt
select data from events
where category <> 'post' and category = 'projection' and stream_id = $1
  and type = 'projection.rebuilt.v1' and metadata->>'correlation' = $2

-- name: forget
delete from projection_rebuilds where id in (
  select id from projection_rebuilds
  where status in ('completed', 'failed', 'cancelled') and requested_at < $1
  limit $2)
returning true
