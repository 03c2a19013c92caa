-- The queries of the clicks. Each is prepared against PostgreSQL in a test.

-- name: page
select c.day, c.target, c.clicks, t.address, r.path
from clicks c
left join link_targets t on t.id = c.target
left join redirects r on r.id = c.target
where ($1::date is null or c.day >= $1) and ($2::date is null or c.day < $2)
  and ($3::date is null or (c.day, c.target) < ($3, $4::uuid))
order by c.day desc, c.target desc
limit $5
