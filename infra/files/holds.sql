-- The queries of holds and unused blobs. Each is prepared against PostgreSQL in a test.

-- name: take_hold
-- Nothing where the account's files leave no room. Not waited for until it is on disk: a hold that a
-- crash takes away is over, as if its time had run out, and what came in is cleared away.
insert into blob_holds (upload_id, owner_id, size, expires_at)
select $1::uuid, $2::uuid, $3::bigint, clock_timestamp() + make_interval(secs => $5::float8)
where set_config('synchronous_commit', 'off', true) = 'off'
  and ($4::bigint is null or bytes_of_account($2::uuid, $1::uuid) + $3::bigint <= $4::bigint)
returning upload_id

-- name: extend_hold
update blob_holds set expires_at = clock_timestamp() + make_interval(secs => $2::float8)
where upload_id = $1 returning upload_id

-- name: settle_hold
select settle_hold($1::uuid, $2::text, $3::bigint, $4::bigint, $5::float8)

-- name: lock_blob
select lock_blob($1::text)

-- name: end_hold
delete from blob_holds where upload_id = $1 returning upload_id

-- name: end_expired_hold
delete from blob_holds where upload_id = $1 and expires_at <= clock_timestamp()
returning upload_id

-- name: expired_holds
select upload_id, digest from blob_holds where expires_at <= clock_timestamp()
order by expires_at limit $1

-- name: blob_is_wanted
select blob_is_wanted($1::text)

-- name: unused_blobs
select digest, array_agg(file_id order by file_id) from unused_blobs
group by digest order by min(since), digest limit $1

-- name: settle_unused
delete from unused_blobs where digest = $1 and file_id = any($2::uuid[])

-- name: held_uploads
select upload_id from blob_holds where upload_id = any($1::uuid[])
