-- What the database tells of how things stand, for /metrics. Each is prepared against PostgreSQL in a
-- test. Ages are by the database's clock. All of it is cheap however long the log is.

-- name: overall
select (select coalesce(max(position), 0) from events), pg_database_size(current_database()),
  (select count(*) from mails),
  (select coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 from mails)

-- name: open_jobs
select kind, status, count(*),
  greatest(max(extract(epoch from clock_timestamp() - requested_at)), 0)::float8
from jobs where status in ('queued', 'running')
group by kind, status order by kind, status

-- Of those asked for within a day: these are found by an index, all of them would not be.
-- name: dead_jobs
select kind, count(*) from jobs
where status = 'failed' and requested_at > clock_timestamp() - interval '1 day'
group by kind order by kind

-- name: webhooks
select status, count(*) from webhooks where status <> 'removed' group by status order by status

-- Of those given up within a day: these are found by an index. A test that failed was told to whoever
-- made it.
-- name: deliveries
select (select count(*) from webhook_deliveries where state = 'waiting'),
  (select count(*) from webhook_deliveries
   where state = 'dead' and last_at > clock_timestamp() - interval '1 day'
     and position is not null),
  (select greatest(max(extract(epoch from clock_timestamp() - failing_since)), 0)::float8
   from webhook_cursors join webhooks on id = webhook_id where status = 'active')
