-- What events were part of. Asked only where traces are made. Each is prepared against PostgreSQL in a
-- test. The metadata is read whole: looking into it here would fail for texts that PostgreSQL lacks.

-- name: between
select e.position, e.type, e.metadata::text from events e
where e.position > $2 and e.position <= $3 and e.category = $1
order by e.position

-- name: beginning
select e.position, e.type, e.metadata::text from events e
where e.category = $1 and e.stream_id = $2 and e.version = 1
