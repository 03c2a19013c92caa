-- The queries of the files' read model. Each is prepared against PostgreSQL in a test.

-- With what everybody may see of them: whether a published post shows it, and whose legal hold is on
-- one that does. The second half of the condition makes the index on the posts' files fit.
-- name: heads
select f.id, f.version, f.owner_id, f.digest, f.size, f.mime, f.name_sealed, f.width, f.height,
  f.blur_hash, f.thumbnails, f.deleted, f.created_at, f.updated_at, coalesce(s.shown, false), s.held_by
from files f left join lateral (
  select bool_or(p.held_by is null) as shown, min(p.held_by) as held_by
  from posts p
  where p.files @> array[f.id] and p.files <> '{}' and p.status = 'published' and not p.deleted
) s on true
where f.id = any($1::uuid[])

-- Some post that is not deleted and shows the file.
-- name: shown_by
select id from posts
where files @> array[$1::uuid] and files <> '{}' and not deleted
order by id limit 1

-- The posts that have any of these files, also deleted ones.
-- name: posts_with
select id from posts where files && $1::uuid[] and files <> '{}' order by id

-- Files that some deleted post has, and no post that was deleted after a time or is not deleted.
-- name: unused
select f.id
from (
  select distinct unnest(files) as id from posts where deleted and files <> '{}' and updated_at < $1
) as had
join files f using (id)
where not f.deleted and not exists (
  select from posts p
  where p.files @> array[f.id] and p.files <> '{}' and (not p.deleted or p.updated_at >= $1))
order by f.id limit $2

-- Files whose owner is erased. Lateral, so that it is one look into an index for each of those people,
-- of whom there are few, and never a pass over the files of everybody.
-- name: of_erased
select f.id from accounts a
cross join lateral (
  select id from files where owner_id = a.id and not deleted limit $1
) as f
where a.erased
order by f.id limit $1

-- Images without previews for which no job was ever asked: it has the image's own id.
-- name: without_previews
select f.id from files f
where f.width is not null and f.blur_hash is null and not f.deleted
  and not exists (select from jobs j where j.id = f.id)
order by f.created_at, f.id limit $1

-- name: own
select id, version, owner_id, digest, size, mime, name_sealed, width, height, blur_hash, thumbnails,
  deleted, created_at, updated_at
from files
where owner_id = $1 and not deleted and (created_at, id) < ($2, $3)
order by created_at desc, id desc limit $4

-- name: of_owner
select id from files where owner_id = $1 and not deleted order by id limit $2
