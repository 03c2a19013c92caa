-- The queries of `ledgerpress files check`. Each is prepared against PostgreSQL in a test.

-- Of some blobs those that nobody wants and nobody is about to remove. A hold ends in the transaction
-- that names its blob, so one statement sees one of the two.
-- name: orphans
select digest from unnest($1::text[]) as there(digest)
where not blob_is_wanted(digest) and not exists (
  select from unused_blobs u where u.digest = there.digest)
order by digest

-- name: named_after
select digest, array_agg(file_id order by file_id) from file_blobs where digest > $1::text
group by digest order by digest limit $2

-- name: named
select count(distinct digest)::int from file_blobs

-- name: files_of
select file_id from file_blobs where digest = $1::text order by file_id
