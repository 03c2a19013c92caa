-- Webhooks: addresses to which the public form of events is sent.

-- The read model. One that was removed keeps its row, so that its history has a name.
create table webhooks (
  id          uuid        primary key,
  version     int         not null,
  url         text        not null,
  event_types text[]      not null,      -- names without a version; none for all events
  status      text        not null,
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  body        bytea       not null
);
create index webhooks_newest on webhooks (created_at desc, id desc) where status <> 'removed';
insert into projections (name, schema_version) values ('webhooks', 1);
select make_read_model('webhooks', 'webhooks');

create function apply_webhooks(rows webhooks[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  perform require_schema_version('webhooks');
  insert into webhooks
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (id) do update set
    version = excluded.version, url = excluded.url, event_types = excluded.event_types,
    status = excluded.status, updated_at = excluded.updated_at, body = excluded.body;
end $$;

-- The secrets with which deliveries are signed, sealed with a key of the deployment's. They are in no
-- event, and cannot be made again from events.
create table webhook_secrets (
  webhook_id     uuid  primary key,
  sealed         bytea not null,
  previous       bytea,                  -- the one before, which signs as well until
  previous_until timestamptz
);
comment on table webhook_secrets is 'With what each webhook signs.';

-- How far each webhook has come, and who delivers for it now, by the clock of the database. What
-- somebody writes who was overtaken is refused by the epoch. A webhook without a row has sent nothing.
create table webhook_cursors (
  webhook_id    uuid   primary key,
  epoch         bigint not null,
  position      bigint not null,         -- of the last event of the log that was tried once, or passed over
  failures      int    not null default 0, -- of first attempts, since anything was delivered
  failing_since timestamptz,             -- the first attempt that failed since anything was delivered
  hold_until    timestamptz,             -- no event is tried for the first time before
  quiet_until   timestamptz,             -- nothing is tried before: the receiver asked for it
  lease_until   timestamptz,
  served_at     timestamptz not null default clock_timestamp()  -- when it was last taken
);

-- The deliveries: those that wait for another attempt, those that were given up, and for some days
-- those that were made.
create table webhook_deliveries (
  id         uuid        primary key,
  webhook_id uuid        not null,
  position   bigint,                     -- of the event; null for a test
  event_id   uuid        not null,
  type       text        not null,
  state      text        not null check (state in ('waiting', 'delivered', 'dead')),
  attempts   int         not null,
  next_at    timestamptz,                -- of the next attempt, where it waits
  last_at    timestamptz,                -- of the last attempt
  status     int,                        -- of the last answer, where there was one
  reason     text,                       -- a code, why the last attempt failed
  created_at timestamptz not null default clock_timestamp(),
  unique (webhook_id, position)
) with (fillfactor = 90);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_at) where state = 'waiting';
create index webhook_deliveries_newest on webhook_deliveries (webhook_id, created_at desc, id desc);
create index webhook_deliveries_over on webhook_deliveries (last_at) where state <> 'waiting';

grant select, insert, update, delete on webhook_secrets, webhook_cursors, webhook_deliveries
  to ledgerpress_app;

-- What a command changes of these, in the transaction of its event. Of the members that are not null
-- one counts, in the order in which they stand.
create type webhook_changes as (
  webhook_id     uuid,
  removed        boolean,
  sealed         bytea,                  -- a new secret
  previous_until timestamptz,            -- until when the present one signs as well
  rewind_after   bigint,                 -- the position after which it goes on
  replay         bigint,                 -- the position of an event to send again
  resumed        boolean
);
create function apply_webhook_changes(rows webhook_changes[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
declare
  change webhook_changes;
begin
  for change in
    select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
    where verdicts[p.append] = 0
  loop
    if change.removed then
      -- The rest may be many rows, which the housekeeping deletes.
      delete from webhook_secrets where webhook_id = change.webhook_id;
    elsif change.sealed is not null then
      insert into webhook_secrets as s (webhook_id, sealed)
      values (change.webhook_id, change.sealed)
      on conflict (webhook_id) do update set
        previous = s.sealed, previous_until = change.previous_until, sealed = excluded.sealed;
    elsif change.rewind_after is not null then
      insert into webhook_cursors as c (webhook_id, epoch, position)
      values (change.webhook_id, 1, change.rewind_after)
      on conflict (webhook_id) do update set
        epoch = c.epoch + 1, position = excluded.position, lease_until = null, failures = 0,
        failing_since = null, hold_until = null, quiet_until = null;
    elsif change.replay is not null then
      update webhook_deliveries
      set state = 'waiting', attempts = 0, next_at = clock_timestamp()
      where webhook_id = change.webhook_id and position = change.replay and state <> 'waiting';
    elsif change.resumed then
      update webhook_cursors
      set failures = 0, failing_since = null, hold_until = null, quiet_until = null
      where webhook_id = change.webhook_id;
      update webhook_deliveries set next_at = clock_timestamp()
      where webhook_id = change.webhook_id and state = 'waiting' and next_at > clock_timestamp();
    end if;
  end loop;
end $$;
