-- What workers have still to do, of every kind: jobs, and what needs none (ADR 22). All times are the
-- database's. Prepared against PostgreSQL in a test.

-- name: waiting
select kind, count(*), count(*) filter (where due), count(*) filter (where attempts > 0), min(since)
from (
  select j.kind, j.attempts, j.requested_at as since,
    (j.run_after is null or j.run_after <= clock_timestamp())
      and not exists (
        select from job_leases l where l.job_id = j.id and l.expires_at > clock_timestamp()
      ) as due
  from jobs j where j.status in ('queued', 'running')
  union all
  select 'mail', attempts, created_at, due_at <= clock_timestamp() from mails
  union all
  select 'scheduled post', 0, publish_at, publish_at <= clock_timestamp()
  from posts where status = 'scheduled' and not deleted and held_by is null
) as work
group by kind order by kind
