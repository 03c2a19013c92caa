-- The queries of the posts' read model. Each is prepared against PostgreSQL in a test.

-- name: heads
select id, version, author_id, status, deleted, held_by, slug, updated_at
from posts where id = any($1::uuid[])

-- name: full
select id, version, author_id, status, deleted, held_by, slug, updated_at, body
from posts where id = any($1::uuid[])

-- name: full_by_slug
select id, version, author_id, status, deleted, held_by, slug, updated_at, body
from posts where slug = any($1::text[]) and not deleted

-- The live post that last left this slug, if it still has another.
-- name: moved_slug
select p.id, p.version, p.author_id, p.status, p.deleted, p.held_by, p.slug, p.updated_at
from former_slugs f join posts p on p.id = f.post_id
where f.slug = $1 and not p.deleted and p.slug <> f.slug
order by f.left_at desc limit 1

-- A page ends at $3 posts or at $4 bytes, whichever comes first, and has at least one post.
-- name: published
select id, version, updated_at, sort_at, body from (
  select *, sum(octet_length(body)) over (order by sort_at desc, id desc
    rows unbounded preceding) - octet_length(body) as bytes_before
  from (
    select * from posts
    where status = 'published' and not deleted and held_by is null
      and (sort_at, id) < ($1, $2)
    order by sort_at desc, id desc limit $3) as page
) as measured where bytes_before < $4 order by sort_at desc, id desc

-- name: own
select id, version, updated_at, sort_at, body from (
  select *, sum(octet_length(body)) over (order by sort_at desc, id desc
    rows unbounded preceding) - octet_length(body) as bytes_before
  from (
    select * from posts
    where author_id = $5 and status = $6 and not deleted and (sort_at, id) < ($1, $2)
    order by sort_at desc, id desc limit $3) as page
) as measured where bytes_before < $4 order by sort_at desc, id desc

-- name: due
select id from posts
where status = 'scheduled' and not deleted and held_by is null and publish_at <= $1
order by publish_at limit $2
