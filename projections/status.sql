-- How the projections stand. Prepared against PostgreSQL in a test. Ages are by the database's clock.

-- name: standing
select p.name, p.position is null, p.schema_version, p.generation, coalesce(p.position, log.head),
  log.head, p.halted::text,
  greatest(extract(epoch from clock_timestamp() - missed.recorded_at), 0)::float8,
  extract(epoch from clock_timestamp() - p.heartbeat_at)::float8,
  extract(epoch from clock_timestamp() - p.moved_at)::float8
from projections p
cross join (select coalesce(max(position), 0) as head from events) as log
left join lateral (
  select e.recorded_at from events e where e.position > p.position
  order by e.position limit 1) as missed on true
where $1::text is null or p.name = $1
order by p.name
