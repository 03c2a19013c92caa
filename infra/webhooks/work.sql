-- The queries of those who deliver for webhooks. Each is prepared against PostgreSQL in a test. All times
-- are those of the database, so that no host's clock has a say in who does what.

-- Takes webhooks for which there is something to do: a delivery that is due, or events that were not
-- tried yet, unless those are held back. Whoever waited longest comes first.
-- name: take
with head as materialized (select coalesce(max(position), 0) as position from events),
found as materialized (
  select w.id, c.served_at, c.webhook_id is null as new,
    coalesce(c.position, (
      select e.position from events e
      where e.category <> 'post' and e.category = 'webhook' and e.stream_id = w.id
        and e.version = 1), 0) as position,
    c.hold_until > clock_timestamp() or $3 <= (
      select count(*) from (
        select from webhook_deliveries d where d.webhook_id = w.id and d.state = 'waiting'
        limit $3) as waiting) as held
  from webhooks w left join webhook_cursors c on c.webhook_id = w.id
  where w.status = 'active'
    and (c.lease_until is null or c.lease_until <= clock_timestamp())
    and (c.quiet_until is null or c.quiet_until <= clock_timestamp())
), due as materialized (
  select f.* from found f cross join head
  where f.new or f.position < head.position and f.held is not true or exists (
    select from webhook_deliveries d
    where d.webhook_id = f.id and d.state = 'waiting' and d.next_at <= clock_timestamp())
  order by f.served_at nulls first, f.id limit $1
), taken as (
  insert into webhook_cursors as c (webhook_id, epoch, position, lease_until)
  select id, 1, position, clock_timestamp() + make_interval(secs => $2) from due
  on conflict (webhook_id) do update set
    epoch = c.epoch + 1, lease_until = excluded.lease_until, served_at = clock_timestamp()
  where c.lease_until is null or c.lease_until <= clock_timestamp()
  returning c.webhook_id, c.epoch, c.position, c.failures
)
select t.webhook_id, t.epoch, t.position, t.failures, coalesce(d.held, false)
from taken t join due d on d.id = t.webhook_id
order by d.served_at nulls first, d.id

-- name: target
select w.version, w.url, w.event_types, s.sealed,
  case when s.previous_until > clock_timestamp() then s.previous end
from webhooks w join webhook_secrets s on s.webhook_id = w.id
where w.id = $1 and w.status = 'active'

-- name: due
select d.id, d.event_id, d.attempts, e.position, e.category, e.stream_id, e.version, e.event_id,
  e.type, e.data, e.metadata, e.recorded_at
from webhook_deliveries d left join events e on e.position = d.position
where d.webhook_id = $1 and d.state = 'waiting' and d.next_at <= clock_timestamp()
order by d.next_at, d.position limit 1

-- Up to where it looked stands in every row; where it found nothing, in one without an event.
-- name: page
with reach as materialized (
  select least(coalesce(max(position), 0), $1::bigint + $2) as until from events)
select r.until, e.position, e.category, e.stream_id, e.version, e.event_id, e.type, e.data,
  e.metadata, e.recorded_at
from reach r left join lateral (
  select * from events
  where position > $1 and position <= r.until
    and ($3::text[] is null or regexp_replace(type, '\.v\d+$', '') = any ($3))
  order by position limit $4) as e on true
order by e.position

-- The first attempt of an event: the cursor moves past it, whatever came of it. What is known of an older
-- delivery of the same event is replaced. Nothing is held back ($16 null) after an event that this program
-- cannot read, which says nothing of the receiver.
-- name: keep_first
with held as (
  update webhook_cursors set
    position = greatest(position, $12::bigint), failures = $15,
    failing_since = case when $5 = 'delivered' then null when $16::interval is null
      then failing_since else coalesce(failing_since, clock_timestamp()) end,
    hold_until = clock_timestamp() + $16::interval,
    quiet_until = clock_timestamp() + $10::interval,
    lease_until = clock_timestamp() + make_interval(secs => $4)
  where webhook_id = $1 and epoch = $2
  returning failing_since
), kept as (
  insert into webhook_deliveries as d
    (id, webhook_id, position, event_id, type, state, attempts, next_at, last_at, status, reason)
  select $11, $1, $12, $13, $14, $5, $6, clock_timestamp() + $7::interval, clock_timestamp(), $8, $9
  from held
  on conflict (webhook_id, position) do update set
    state = excluded.state, attempts = excluded.attempts, next_at = excluded.next_at,
    last_at = excluded.last_at, status = excluded.status, reason = excluded.reason
)
select exists (select from webhooks where id = $1 and version = $3 and status = 'active'),
  clock_timestamp() - failing_since
from held

-- What came of a test ($12 false) says nothing of how events fare.
-- name: keep_again
with held as (
  update webhook_cursors set
    failures = case when $12 and $5 = 'delivered' then 0 else failures end,
    failing_since = case when not $12 then failing_since when $5 = 'delivered' then null
      else coalesce(failing_since, clock_timestamp()) end,
    hold_until = case when $12 and $5 = 'delivered' then null else hold_until end,
    quiet_until = clock_timestamp() + $10::interval,
    lease_until = clock_timestamp() + make_interval(secs => $4)
  where webhook_id = $1 and epoch = $2
  returning failing_since
), kept as (
  update webhook_deliveries set
    state = $5, attempts = $6, next_at = clock_timestamp() + $7::interval,
    last_at = clock_timestamp(), status = $8, reason = $9
  where id = $11 and exists (select from held)
)
select exists (select from webhooks where id = $1 and version = $3 and status = 'active'),
  case when $12 then clock_timestamp() - failing_since end
from held

-- name: rest
update webhook_cursors set position = greatest(position, $3), lease_until = null
where webhook_id = $1 and epoch = $2

-- What is over for long, and all of the webhooks that were removed.
-- name: forget
with gone as (
  select id from webhook_deliveries
  where state = 'delivered' and last_at < clock_timestamp() - interval '7 days'
    or state = 'dead' and last_at < clock_timestamp() - interval '90 days'
    or webhook_id in (select id from webhooks where status = 'removed')
  limit $1
), cursors as (
  delete from webhook_cursors where webhook_id in (select id from webhooks where status = 'removed')
)
delete from webhook_deliveries where id in (select id from gone) returning true
