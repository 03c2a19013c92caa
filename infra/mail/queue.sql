-- The queries of the queue of messages. Each is prepared against PostgreSQL in a test. All times are
-- the database's, so that the clocks of the processes do not matter.

-- name: put_mail
insert into mails (id, email_hash, sealed, due_at, created_at) values ($1, $2, $3, now(), now())

-- name: take_mails
-- Materialized, so that it runs once: as a plain subquery it might lock more than the limit.
with due as materialized (
  select id from mails where due_at <= now() order by due_at limit $1 for update skip locked
)
update mails set attempts = attempts + 1, due_at = now() + $2::interval
where id in (select id from due)
returning id, sealed, attempts, now() - created_at

-- name: remove_mail
delete from mails where id = $1 returning id

-- name: postpone_mail
-- Whoever took it again since has counted one attempt more.
update mails set due_at = now() + $3::interval where id = $1 and attempts = $2

-- Nothing is due later than the lease ($1) but what was put off, so none that is being sent is among them.
-- name: hurry_mails
update mails set due_at = now() where due_at > now() + $1::interval
returning id
