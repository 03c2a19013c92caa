-- The queries of the leases of jobs. Each is prepared against PostgreSQL in a test. All times are those
-- of the database, so that no host's clock has a say in who does what.

-- Takes what is due and nobody does. A job that is left at its last attempt but one, without a word, is
-- one that perhaps ends its process: it is taken alone, when nothing else is done there ($6), and
-- nothing is begun beside it, so that no other job comes to harm by it each time.
-- name: take
with due as materialized (
  select j.id, j.status = 'running' and j.attempts = $5 as alone,
    coalesce(j.run_after, j.requested_at) as since
  from jobs j left join job_leases l on l.job_id = j.id
  where j.status in ('queued', 'running') and j.kind = any ($1::text[])
    and (j.run_after is null or j.run_after <= clock_timestamp())
    and (l.job_id is null or l.expires_at <= clock_timestamp())
  order by alone desc, since, j.id
  limit $2
), chosen as (
  select id from due d
  where case when (select bool_or(alone) from due)
    then $6 and d.id = (select id from due order by alone desc, since, id limit 1) else true end
), taken as (
  insert into job_leases (job_id, token, holder, expires_at)
  select id, gen_random_uuid(), $3, clock_timestamp() + make_interval(secs => $4) from chosen
  on conflict (job_id) do update set
    token = excluded.token, holder = excluded.holder, expires_at = excluded.expires_at
  where job_leases.expires_at <= clock_timestamp()
  returning job_id, token
)
select t.job_id, t.token, clock_timestamp(), d.alone
from taken t join due d on d.id = t.job_id
order by d.since, d.id

-- name: beat
update job_leases l set expires_at = clock_timestamp() + make_interval(secs => $3)
where l.job_id = $1 and l.token = $2
returning (select j.version from jobs j where j.id = l.job_id)

-- name: give_up
delete from job_leases where job_id = $1 and token = $2

-- One that is over is as good as none.
-- name: forget
delete from job_leases where job_id in (
  select job_id from job_leases where expires_at < clock_timestamp() - interval '1 hour' limit $1)
returning true
