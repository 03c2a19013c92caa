-- The queries of the authors' activity. Each is prepared against PostgreSQL in a test.

-- name: days
select day, sum(created)::int, sum(edited)::int, sum(scheduled)::int, sum(published)::int,
  sum(unpublished)::int, sum(archived)::int, sum(deleted)::int, sum(restored)::int
from activity where author_id = $1 and day >= $2
group by day order by day
