-- The queries of the posts' read model. Each is prepared against PostgreSQL in a test. The generation
-- is that of the rows, as both change in one transaction (see migration 0005).

-- name: heads
select id, version, author_id, status, deleted, held_by, slug, updated_at,
  (select generation from projections where name = 'posts')
from posts where id = any($1::uuid[])

-- name: bodies
select id, version, body, (select generation from projections where name = 'posts')
from posts where id = any($1::uuid[])

-- name: heads_by_slug
select id, version, author_id, status, deleted, held_by, slug, updated_at,
  (select generation from projections where name = 'posts')
from posts where slug = any($1::text[]) and not deleted

-- The live post that last left this slug, if it still has another.
-- name: moved_slug
select p.id, p.version, p.author_id, p.status, p.deleted, p.held_by, p.slug, p.updated_at,
  (select generation from projections where name = 'posts')
from former_slugs f join posts p on p.id = f.post_id
where f.slug = $1 and not p.deleted and p.slug <> f.slug
order by f.left_at desc limit 1

-- name: published
select id, version, sort_at, octet_length(body),
  (select generation from projections where name = 'posts')
from posts
where status = 'published' and not deleted and held_by is null and (sort_at, id) < ($1, $2)
order by sort_at desc, id desc limit $3

-- name: own
select id, version, sort_at, octet_length(body),
  (select generation from projections where name = 'posts')
from posts
where author_id = $4 and status = $5 and not deleted and held_by is null
  and (sort_at, id) < ($1, $2)
order by sort_at desc, id desc limit $3

-- name: counts
select status, count(*)::int from posts where author_id = $1 and not deleted
group by status order by status

-- name: due
select id from posts
where status = 'scheduled' and not deleted and held_by is null and publish_at <= $1
order by publish_at limit $2
