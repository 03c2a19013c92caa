-- The relay's queries, beside those that every follower of the log has. Each is prepared against
-- PostgreSQL in a test.

-- name: event_id
select event_id from events where position = $1

-- Where the relay stood before it was sent back.
-- name: again_until
select coalesce((previous->>'position')::bigint, 0) from projections where name = 'relay'

-- Whoever leads finds another epoch, and begins at the new position.
-- name: rewind
update projections p set
  position = $1, epoch = p.epoch + 1, leader = null, lease_until = null, halted = null,
  previous = jsonb_build_object('position', least(
    greatest(p.position, coalesce((p.previous->>'position')::bigint, 0)), log.head)),
  moved_at = clock_timestamp()
from (select position from projections where name = 'relay' for update) as before,
  (select coalesce(max(position), 0) as head from events) as log
where p.name = 'relay' and before.position >= $1
returning before.position
