-- The queries of what an account has outside the log. Each is prepared against PostgreSQL in a test.

-- name: person_key
select key from person_keys where person_id = $1

-- name: password_hash
select hash from account_passwords where account_id = $1

-- name: set_password
insert into account_passwords (account_id, hash) values ($1, $2)
on conflict (account_id) do update set hash = excluded.hash

-- name: replace_password
update account_passwords set hash = $3 where account_id = $1 and hash = $2 returning account_id

-- name: highest_bcrypt_cost
select highest from bcrypt_cost

-- name: people
-- What a registration sealed, and the key to it; nobody who is erased has one.
select e.stream_id, e.event_id, e.data, k.key
from events e join person_keys k on k.person_id = e.stream_id
where e.category = 'account' and e.version = 1 and e.stream_id = any($1::uuid[])

-- name: put_registration
insert into registrations (token_hash, account_id, email_hash, sealed, password_hash, expires_at)
values ($1, $2, $3, $4, $5, $6)

-- name: registration
select account_id, email_hash, sealed, password_hash, expires_at
from registrations where token_hash = $1 and expires_at > $2

-- name: remove_registrations
delete from registrations where email_hash = $1

-- name: put_reset
insert into password_resets (token_hash, account_id, expires_at) values ($1, $2, $3)

-- name: reset
select account_id from password_resets where token_hash = $1 and expires_at > $2

-- name: take_reset
delete from password_resets where token_hash = $1 returning account_id

-- name: delete_expired_registrations
-- What somebody else deletes at this moment is not waited for.
with expired as (
  select token_hash from registrations where expires_at <= $1 limit $2 for update skip locked
)
delete from registrations r using expired where r.token_hash = expired.token_hash
returning r.token_hash

-- name: delete_expired_resets
with expired as (
  select token_hash from password_resets where expires_at <= $1 limit $2 for update skip locked
)
delete from password_resets r using expired where r.token_hash = expired.token_hash
returning r.token_hash

-- name: credentials_by_email
-- One row, whether or not there is such an account.
select (select highest from bcrypt_cost),
  a.id, a.version, a.disabled, a.second_factor, a.email_hash, p.hash
from (values (true)) as always
left join accounts a on a.email_hash = $1 and not a.erased
left join account_passwords p on p.account_id = a.id

-- name: credentials_by_id
-- One row, whether or not there is such an account.
select (select highest from bcrypt_cost),
  a.id, a.version, a.disabled, a.second_factor, a.email_hash, p.hash
from (values (true)) as always
left join accounts a on a.id = $1 and not a.erased
left join account_passwords p on p.account_id = a.id
