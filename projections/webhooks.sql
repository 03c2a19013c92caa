-- The queries of the webhooks. Each is prepared against PostgreSQL in a test.

-- name: by_id
select id, version, status, created_at, updated_at, body from webhooks
where id = $1 and status <> 'removed'

-- name: page
select id, version, status, created_at, updated_at, body from webhooks
where status <> 'removed' and ($1::timestamptz is null or (created_at, id) < ($1, $2::uuid))
order by created_at desc, id desc
limit $3
