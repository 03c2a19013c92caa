-- The queries of the search. Each is prepared against PostgreSQL in a test.

-- The best of what matches, after a place in that order.
-- name: found
select score, id, size from search_posts($1, $2, $3, $4)

-- What is shown of them, as long as everybody may see it. Without headlines where the post has
-- changed and the search does not know it yet: its old text is nobody's any more.
-- name: shown
select p.id, p.version, p.body,
  case when s.version = p.version then
    ts_headline('ledgerpress', s.title, asked, $3) end,
  case when s.version = p.version then
    left(ts_headline('ledgerpress', left(s.content, 20000), asked, $4), 2000) end
from posts p join post_search s using (id), any_word($1) as asked
where p.id = any($2::uuid[])
  and p.status = 'published' and not p.deleted and p.held_by is null
