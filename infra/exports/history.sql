-- What the log holds of a person. Each is prepared against PostgreSQL in a test. A stream that has no
-- event up to the position is none of the person's yet.

-- name: extent_of_posts
select e.stream_id, count(*), sum(pg_column_size(e.data))
from posts p join events e on e.stream_id = p.id and e.category = 'post'
where p.author_id = $1 and e.position <= $2
group by e.stream_id order by e.stream_id

-- name: extent_of_files
select e.stream_id, count(*), sum(pg_column_size(e.data))
from files f join events e on e.stream_id = f.id and e.category = 'file'
where f.owner_id = $1 and e.position <= $2
group by e.stream_id order by e.stream_id

-- name: extent_of_jobs
select e.stream_id, count(*), sum(pg_column_size(e.data))
from jobs j join events e on e.stream_id = j.id and e.category = 'job'
where j.owner_id = $1 and e.position <= $2
group by e.stream_id order by e.stream_id

-- A page of streams one after the other, from after a version of one; it ends at whichever comes first,
-- so many rows or so many bytes. The data is made text once, inside, as that unpacks it.
-- name: page
select position, stream_id, version, event_id, type, data, recorded_at, metadata, bytes_before
from (
  select *, sum(bytes) over (order by stream_id, version rows unbounded preceding) - bytes
    as bytes_before
  from (
    select *, octet_length(data) as bytes from (
      select position, stream_id, version, event_id, type, data::text, recorded_at, metadata
      from events
      where category = $1 and stream_id = any ($2::uuid[]) and position <= $3
        and (stream_id, version) > ($4::uuid, $5::int)
      order by stream_id, version limit $6) as page
  ) as measured
) as summed where bytes_before < $7 order by stream_id, version
