-- The queries of the log. Each is loaded by its name and prepared against PostgreSQL in a test.

-- name: head
select coalesce(max(position), 0) from events

-- Several streams in one query: each pair of stream and version after which to read. `asked` tells
-- which pair a row answers. Lateral, so that it is one look into the index for each stream, and its
-- rows come in order without sorting all of them.
-- name: read_streams
select asked.number, e.position, e.version, e.event_id, e.type, e.data, e.recorded_at
from unnest($1::text[], $2::uuid[], $3::int[])
  with ordinality as asked(category, stream_id, after, number)
cross join lateral (
  select * from events
  where stream_id = asked.stream_id and category = asked.category and version > asked.after
  order by version) as e

-- name: first_answer
select fingerprint, answer from idempotency_keys
where account_id = $1 and key = $2

-- name: forget_answers
with old as (
  select account_id, key from idempotency_keys where recorded_at <= $1 limit $2
  for update skip locked
)
delete from idempotency_keys k using old where (k.account_id, k.key) = (old.account_id, old.key)
returning k.key
