-- Jobs, and the leases of those who do them.

create table jobs (
  id           uuid        primary key,
  version      int         not null,
  kind         text        not null,
  owner_id     uuid,                 -- an account; null for a job of the product's own
  subject      text,
  status       text        not null,
  percent      int         not null,
  attempts     int         not null,
  token        int         not null, -- the version at which the last attempt began
  run_after    timestamptz,          -- not to be tried before
  reason       text,                 -- a code, why an attempt failed
  result       text,                 -- JSON, as its kind defines
  requested_at timestamptz not null,
  updated_at   timestamptz not null,
  expires_at   timestamptz
) with (fillfactor = 80);
create index jobs_open on jobs (requested_at, id) where status in ('queued', 'running');
create index jobs_by_owner on jobs (owner_id, kind, requested_at desc, id desc);
create index jobs_newest on jobs (requested_at desc, id desc);
create index jobs_kept on jobs (kind, expires_at) where status = 'completed' and expires_at is not null;

insert into projections (name, schema_version) values ('jobs', 1);
select make_read_model('jobs', 'jobs');

create function apply_jobs(rows jobs[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  perform require_schema_version('jobs');
  insert into jobs
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (id) do update set
    version = excluded.version, status = excluded.status, percent = excluded.percent,
    attempts = excluded.attempts, token = excluded.token, run_after = excluded.run_after,
    reason = excluded.reason, result = excluded.result, updated_at = excluded.updated_at,
    expires_at = excluded.expires_at;
end $$;

-- Who does a job now. It says who may try, so that two seldom do; what somebody writes who has lost
-- one unawares is refused by the version of the job's stream.
create table job_leases (
  job_id     uuid        primary key,
  token      uuid        not null,   -- another one each time that it is taken
  holder     text        not null,   -- host and process, for operators to see
  expires_at timestamptz not null
);
comment on table job_leases is 'Who does which job at the moment, by the clock of the database.';
grant select, insert, update, delete on job_leases to ledgerpress_app;
