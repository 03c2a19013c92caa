-- The queries of maintenance. Each is prepared against PostgreSQL in a test.

-- name: maintenance
select reason, retry_after_seconds, since from maintenance

-- name: begin_maintenance
-- Begun again it gets another reason, and is as old as it was.
insert into maintenance (reason, retry_after_seconds) values ($1, $2)
on conflict (one_row) do update
  set reason = excluded.reason, retry_after_seconds = excluded.retry_after_seconds
returning reason, retry_after_seconds, since

-- name: end_maintenance
delete from maintenance returning reason, retry_after_seconds, since
