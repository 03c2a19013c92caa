-- The queries of sessions and their refresh tokens. Each is prepared against PostgreSQL in a test.

-- name: start
-- Nobody who is erased begins one: whoever erases them at this moment is waited for, or waits.
with account as (
  select id from accounts where id = $2 and not erased for share
), session as (
  insert into sessions (
    id, account_id, account_version, second_factor, client, started_at, used_at, expires_at, ended_at)
  select $1::uuid, id, $3::int, $4::boolean, $5::text, $6::timestamptz, $7::timestamptz,
    $8::timestamptz, $9::timestamptz
  from account
  returning id
)
insert into refresh_tokens (hash, session_id) select $10::bytea, id from session

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
where t.hash = $1 and t.replaced_at is not null and s.ended_at is null and s.expires_at > $2
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

-- name: delete_tokens_of_over
-- A session may have had any number of tokens, so they go before it.
with over as (
  select t.hash from sessions s join refresh_tokens t on t.session_id = s.id
  where s.expires_at <= $1 limit $2
)
delete from refresh_tokens t using over where t.hash = over.hash returning t.hash

-- name: delete_over
with over as (
  select s.id from sessions s
  where s.expires_at <= $1 and not exists (select from refresh_tokens t where t.session_id = s.id)
  limit $2
)
delete from sessions s using over where s.id = over.id returning s.id
