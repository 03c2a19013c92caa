-- Rebuilds that are asked for over HTTP, and done by whoever runs the projector.

create table projection_rebuilds (
  id           uuid        primary key,
  name         text        not null references projections,
  status       text        not null default 'queued'
    check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
  step         text,                      -- of a rebuild that has begun
  read         bigint      not null default 0,
  total        bigint      not null default 0,
  result       jsonb,                     -- {generation, position, rows, differing, heldSeconds}
  reason       text,                      -- why the last attempt failed
  requested_by uuid        not null,      -- an account
  requested_at timestamptz not null default clock_timestamp(),
  worker       uuid,                      -- another one each time that it is taken
  attempts     int         not null default 0,
  heartbeat_at timestamptz                -- null: it can be taken at once
);
comment on table projection_rebuilds is 'Rebuilds that operators ask for, and what came of them.';

create unique index projection_rebuilds_under_way on projection_rebuilds (name)
  where status in ('queued', 'running');
create index projection_rebuilds_over on projection_rebuilds (requested_at)
  where status in ('completed', 'failed', 'cancelled');

grant select, insert, update, delete on projection_rebuilds to ledgerpress_app;
