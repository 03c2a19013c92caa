-- The queries of what an account has outside the log. Each is prepared against PostgreSQL in a test.

-- name: person_key
select key from person_keys where person_id = $1

-- name: password_hash
select hash from account_passwords where account_id = $1

-- name: set_password
insert into account_passwords (account_id, hash) values ($1, $2)
on conflict (account_id) do update set hash = excluded.hash
