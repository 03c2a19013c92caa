-- The queries of the accounts' read model. Each is prepared against PostgreSQL in a test.

-- name: by_id
select id, version, email_hash, roles, disabled, created_at
from accounts where id = any($1::uuid[])

-- name: by_email
select id, version, email_hash, roles, disabled, created_at
from accounts where email_hash = $1
