-- The queries of the jobs' read model. Each is prepared against PostgreSQL in a test.

-- name: by_id
select id, version, kind, owner_id, subject, status, percent, attempts, token, run_after, reason,
  result, requested_at, updated_at, expires_at
from jobs where id = $1

-- name: of_owner
select id, version, kind, owner_id, subject, status, percent, attempts, token, run_after, reason,
  result, requested_at, updated_at, expires_at
from jobs
where owner_id = $1 and kind = $2
  and ($3::timestamptz is null or (requested_at, id) < ($3, $4::uuid))
order by requested_at desc, id desc
limit $5

-- name: open_of_owner
select id, version, kind, owner_id, subject, status, percent, attempts, token, run_after, reason,
  result, requested_at, updated_at, expires_at
from jobs
where owner_id = $1 and kind = $2 and status in ('queued', 'running')
order by requested_at desc, id desc
limit 1

-- name: to_forget
select id, version, kind, owner_id, subject, status, percent, attempts, token, run_after, reason,
  result, requested_at, updated_at, expires_at
from jobs
where owner_id = $1 and kind = $2 and status in ('queued', 'running', 'completed')
order by requested_at, id
limit $3

-- name: newest
select id, version, kind, owner_id, subject, status, percent, attempts, token, run_after, reason,
  result, requested_at, updated_at, expires_at
from jobs
where ($1::text is null or kind = $1) and ($2::text is null or status = $2)
order by requested_at desc, id desc
limit $3

-- By the database's clock, as no host's clock shall decide what is removed.
-- name: expired
select id, version, kind, owner_id, subject, status, percent, attempts, token, run_after, reason,
  result, requested_at, updated_at, expires_at
from jobs
where status = 'completed' and kind = $1 and expires_at <= clock_timestamp()
order by expires_at
limit $2
