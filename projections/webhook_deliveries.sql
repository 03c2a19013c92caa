-- What operators read of the deliveries of webhooks. Each is prepared against PostgreSQL in a test.

-- name: page
select id, position, event_id, type, state, attempts, next_at, last_at, status, reason, created_at
from webhook_deliveries
where webhook_id = $1 and ($2::text is null or state = $2)
  and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
order by created_at desc, id desc
limit $5

-- name: by_id
select id, position, event_id, type, state, attempts, next_at, last_at, status, reason, created_at
from webhook_deliveries where webhook_id = $1 and id = $2

-- One that has sent nothing stands where it was registered.
-- name: progress
select coalesce(c.position, first.position, 0), head.position, c.failing_since, c.hold_until
from (select coalesce(max(position), 0) as position from events) as head
left join webhook_cursors c on c.webhook_id = $1
left join events first
  on first.category = 'webhook' and first.stream_id = $1 and first.version = 1

-- name: put_test
insert into webhook_deliveries (id, webhook_id, event_id, type, state, attempts, next_at)
values ($1, $2, $1, $3, 'waiting', 0, clock_timestamp())
