-- Clicks on links to other places, counted.

-- The addresses that were clicked on. Strangers choose them, so they are in no event: an event names
-- the id alone, and a row that nobody clicks on any more can go.
create table link_targets (
  id       uuid primary key,
  address  text not null unique,
  last_day date not null                 -- on which it was clicked on
);
create index link_targets_by_age on link_targets (last_day);

-- The clicks of a day that are in no event yet; a target that has none left keeps its row until the
-- day is over, so that it is known how many targets a day has.
create table waiting_clicks (
  day    date   not null,
  target uuid   not null,
  clicks bigint not null check (clicks >= 0),
  primary key (day, target)
);
create index waiting_clicks_there on waiting_clicks (day) where clicks > 0;

-- The last batch that each process handed over, so that one which comes again is not added again.
create table click_batches (
  process  uuid        primary key,
  number   bigint      not null,
  added_at timestamptz not null
);

-- Adds a batch to the clicks that wait. A day has no more than so many targets of strangers' choice;
-- the clicks on others are added to the target of all zeros.
create function add_clicks(
  of_process uuid, batch bigint, days date[], targets uuid[], addresses text[], clicks bigint[],
  most int)
returns void language plpgsql volatile as $$
begin
  insert into click_batches as b values (of_process, batch, clock_timestamp())
  on conflict (process) do update set number = excluded.number, added_at = excluded.added_at
  where b.number < excluded.number;
  if not found then
    return;
  end if;
  -- One at a time, or several processes could each find the last room of the day.
  perform pg_advisory_xact_lock(7205759403792794);
  with asked as (
    select a.day, coalesce(t.id, a.target) as target, a.address, a.clicks
    from unnest(days, targets, addresses, clicks) as a(day, target, address, clicks)
    left join link_targets t on t.address = a.address
  ), ranked as (
    select a.*, w.target is not null as there, row_number() over (
      partition by a.day, w.target is null and a.address is not null
      order by a.clicks desc, a.address) as place
    from asked a left join waiting_clicks w on w.day = a.day and w.target = a.target
  ), filled as materialized (
    select w.day, count(*) as targets from waiting_clicks w where w.day = any(days) group by w.day
  ), placed as (
    select r.day, r.clicks, r.address,
      case when r.there or r.address is null or r.place + coalesce(f.targets, 0) <= most
      then r.target else '00000000-0000-0000-0000-000000000000' end as target, r.there
    from ranked r left join filled f on f.day = r.day
  ), named as (
    insert into link_targets
    select target, address, max(day) from placed
    where address is not null and not there
      and target <> '00000000-0000-0000-0000-000000000000'
    group by target, address order by address
    on conflict (address) do update set
      last_day = greatest(link_targets.last_day, excluded.last_day)
  )
  insert into waiting_clicks as w
  select p.day, p.target, sum(p.clicks) from placed p group by p.day, p.target
  order by p.day, p.target
  on conflict (day, target) do update set clicks = w.clicks + excluded.clicks;
end $$;

-- Takes clicks off those that wait, in the transaction of the event that records them. In the order
-- of `add_clicks`, or the two could wait for each other.
create type taken_clicks as (day date, target uuid, clicks bigint);
create function apply_taken_clicks(rows taken_clicks[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  perform 1 from waiting_clicks w
  where (w.day, w.target) in (select (r).day, (r).target from unnest(rows) as r)
  order by w.day, w.target for update;
  update waiting_clicks w set clicks = w.clicks - (p.row).clicks
  from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0 and w.day = (p.row).day and w.target = (p.row).target;
end $$;

grant select, insert, update, delete on link_targets, waiting_clicks, click_batches to ledgerpress_app;

-- The read model, which the projector writes. See 0005_projections.sql.
create table clicks (
  day    date   not null,                -- in UTC
  target uuid   not null,
  clicks bigint not null,
  primary key (day, target)
);
insert into projections (name, schema_version, position) values ('clicks', 1, 0);
select make_read_model('clicks', 'clicks');

-- Managed redirects: paths that lead to other places. Written with the events. One that was deleted
-- keeps its row, so that its clicks still have a name.
create table redirects (
  id          uuid        primary key,
  version     int         not null,
  path        text        not null,      -- percent-encoded, as it is compared
  target      text        not null,
  target_path text,                      -- where the target is a path of ours
  status      int         not null,
  starts_at   timestamptz,
  ends_at     timestamptz,
  deleted     boolean     not null,
  created_at  timestamptz not null,
  updated_at  timestamptz not null,
  body        bytea       not null
);
create index redirects_by_path on redirects (path) where not deleted;
create index redirects_by_target on redirects (target_path) where not deleted;
create index redirects_newest on redirects (created_at desc, id desc) where not deleted;
insert into projections (name, schema_version) values ('redirects', 1);
select make_read_model('redirects', 'redirects');

create function apply_redirects(rows redirects[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  perform require_schema_version('redirects');
  insert into redirects
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (id) do update set
    version = excluded.version, path = excluded.path, target = excluded.target,
    target_path = excluded.target_path, status = excluded.status, starts_at = excluded.starts_at,
    ends_at = excluded.ends_at, deleted = excluded.deleted, updated_at = excluded.updated_at,
    body = excluded.body;
end $$;
