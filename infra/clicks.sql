-- The queries of the clicks that wait to be recorded. Each is prepared against PostgreSQL in a test.

-- name: add
select add_clicks($1, $2, $3::date[], $4::uuid[], $5::text[], $6::bigint[], $7)

-- name: days
select distinct day from waiting_clicks where clicks > 0 order by day

-- What waits and where the stream stands, as of one moment.
-- name: waiting
select w.target, w.clicks, s.version, s.recorded_at
from (
  select version, recorded_at from events
  where category <> 'post' and category = 'clicks' and stream_id = $2
  order by version desc limit 1
) s right join (
  select target, clicks from waiting_clicks where day = $1 and clicks > 0
  order by clicks desc, target limit $3
) w on true
order by w.clicks desc, w.target

-- name: forget_batches
delete from click_batches where process in (
  select process from click_batches where added_at < $1 limit $2)
returning process

-- name: forget_waiting
delete from waiting_clicks where (day, target) in (
  select day, target from waiting_clicks where day < $1 and clicks = 0 limit $2)
returning target

-- name: forget_targets
delete from link_targets where id in (
  select id from link_targets where last_day < $1 limit $2)
returning id
