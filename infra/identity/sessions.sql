-- The queries of sessions and their refresh tokens. Each is prepared against PostgreSQL in a test.

-- name: start
with session as (
  insert into sessions (
    id, account_id, account_version, second_factor, client, started_at, used_at, expires_at, ended_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
)
insert into refresh_tokens (hash, session_id) values ($10, $1)

-- name: renew
-- Of two who come with the same token one waits for the other, and finds it replaced.
with good as (
  select s.id from refresh_tokens t
  join sessions s on s.id = t.session_id
  join accounts a on a.id = s.account_id
  where t.hash = $1 and s.ended_at is null and s.expires_at > $3
    and s.account_version >= a.sessions_from and not a.disabled and not a.erased
), replaced as (
  update refresh_tokens t set replaced_at = $3 from good
  where t.hash = $1 and t.replaced_at is null
  returning t.session_id
), added as (
  insert into refresh_tokens (hash, session_id) select $2, session_id from replaced
)
update sessions s set used_at = $3 from replaced where s.id = replaced.session_id
returning s.id, s.account_id, s.account_version, s.second_factor, s.client, s.started_at, s.used_at,
  s.expires_at, s.ended_at

-- name: replaced
select s.id, s.account_id, s.account_version, s.second_factor, s.client, s.started_at, s.used_at,
  s.expires_at, s.ended_at
from refresh_tokens t
join sessions s on s.id = t.session_id
join accounts a on a.id = s.account_id
where t.hash = $1 and t.replaced_at is not null and s.ended_at is null
  and s.account_version >= a.sessions_from

-- name: alive
select s.id, s.account_id, s.account_version, s.second_factor, s.client, s.started_at, s.used_at,
  s.expires_at, s.ended_at
from sessions s join accounts a on a.id = s.account_id
where s.account_id = $1 and s.ended_at is null and s.expires_at > $2
  and s.account_version >= a.sessions_from
order by s.used_at desc, s.id desc
limit 1000

-- name: find
select id, account_id, account_version, second_factor, client, started_at, used_at, expires_at, ended_at
from sessions where id = $1

-- name: delete_over
-- Kept for a while after their end: the second use of a token shall still be seen as one.
with over as (
  select id from sessions where expires_at < $1 limit $2
)
delete from sessions using over where sessions.id = over.id returning sessions.id
