-- The queries of the managed redirects. Each is prepared against PostgreSQL in a test.

-- name: at
select id, path, target, target_path, status, starts_at, ends_at
from redirects where path = any($1::text[]) and not deleted

-- name: leading_to
select id, path, target, target_path, status, starts_at, ends_at
from redirects where target_path = $1 and not deleted
order by created_at, id limit 2

-- name: by_id
select id, version, created_at, updated_at, body from redirects where id = $1 and not deleted

-- name: page
select id, version, created_at, updated_at, body from redirects
where not deleted and ($1::timestamptz is null or (created_at, id) < ($1, $2::uuid))
order by created_at desc, id desc
limit $3
