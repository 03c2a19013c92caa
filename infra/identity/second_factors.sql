-- The queries of second factors. Each is prepared against PostgreSQL in a test.

-- name: begin
-- Replaces a secret that was never confirmed, and no other. Nobody who is erased gets one.
insert into second_factors (account_id, sealed, confirmed)
select person_id, $2, false from person_keys where person_id = $1
on conflict (account_id) do update set sealed = excluded.sealed where not second_factors.confirmed
returning account_id

-- name: secret
select f.sealed, f.last_step, k.key
from second_factors f join person_keys k on k.person_id = f.account_id
where f.account_id = $1 and f.confirmed = $2

-- name: take_step
-- Of two who come with the same code one waits for the other, and finds the step taken.
update second_factors set last_step = $3
where account_id = $1 and confirmed and sealed = $2 and last_step < $3
returning account_id

-- name: take_recovery_code
delete from recovery_codes where account_id = $1 and hash = $2 returning account_id
