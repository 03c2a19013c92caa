-- The queries of the accounts' read model. Each is prepared against PostgreSQL in a test.

-- name: by_session
select s.id, s.second_factor, s.ended_at is not null or s.account_version < a.sessions_from,
  a.id, a.version, a.email_hash, a.roles, a.disabled, a.created_at, a.sessions_from, a.second_factor,
  a.erased
from sessions s join accounts a on a.id = s.account_id
where s.id = any($1::uuid[])

-- name: by_id
select id, version, email_hash, roles, disabled, created_at, sessions_from, second_factor, erased
from accounts where id = $1

-- name: by_email
select id, version, email_hash, roles, disabled, created_at, sessions_from, second_factor, erased
from accounts where email_hash = $1 and not erased

-- name: page
select id, version, email_hash, roles, disabled, created_at, sessions_from, second_factor, erased
from accounts
where not erased and ($1::timestamptz is null or (created_at, id) < ($1, $2::uuid))
order by created_at desc, id desc
limit $3
