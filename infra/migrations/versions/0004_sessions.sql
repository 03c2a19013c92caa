-- What accounts need to be used over HTTP. Of all this only `accounts` is a read model; the rest
-- holds secrets, which no event may, and is lost with its rows.

-- Sessions that were begun before this version of the account are over.
alter table accounts add column sessions_from int not null default 1;
alter table accounts add column second_factor boolean not null default false;
alter table accounts add column erased boolean not null default false;
alter table accounts alter column sessions_from drop default;
alter table accounts alter column second_factor drop default;
alter table accounts alter column erased drop default;
-- Nobody can be found by the address of an account that was erased.
drop index accounts_by_email;
create unique index accounts_by_email on accounts (email_hash) where not erased;
create index accounts_by_age on accounts (created_at desc, id desc) where not erased;

create or replace function apply_accounts(rows accounts[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  insert into accounts
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (id) do update set
    version = excluded.version, email_hash = excluded.email_hash, roles = excluded.roles,
    disabled = excluded.disabled, sessions_from = excluded.sessions_from,
    second_factor = excluded.second_factor, erased = excluded.erased;
end $$;

-- A session is over when it was ended, when its time is up, or when the account no longer accepts
-- sessions as old as it (accounts.sessions_from); so none is ever alive again.
create table sessions (
  id              uuid        primary key,
  account_id      uuid        not null,
  account_version int         not null,  -- of the account, when the session began
  second_factor   boolean     not null,  -- whether one was shown
  client          text        not null,  -- what the client called itself
  started_at      timestamptz not null,
  used_at         timestamptz not null,  -- when its tokens were last renewed
  expires_at      timestamptz not null,
  ended_at        timestamptz
);
create index sessions_by_account on sessions (account_id);
create index sessions_by_end on sessions (expires_at);

create function apply_sessions(rows sessions[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  insert into sessions
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (id) do update set
    account_version = excluded.account_version, second_factor = excluded.second_factor,
    -- What is over stays so, whatever the writer knew of it.
    ended_at = coalesce(sessions.ended_at, excluded.ended_at);
end $$;

-- Every refresh token that a session ever had: that of which `replaced_at` is null is good, any other
-- is a sign that it was copied.
create table refresh_tokens (
  hash        bytea primary key,         -- SHA-256; the tokens are random
  session_id  uuid  not null references sessions on delete cascade,
  replaced_at timestamptz
);
create index refresh_tokens_by_session on refresh_tokens (session_id);

-- People who have not yet shown that the address is theirs. They are in no event: strangers shall not
-- be able to add to a log from which nothing can be removed.
create table registrations (
  token_hash    bytea       primary key, -- SHA-256
  account_id    uuid        not null,    -- that they will have
  email_hash    text        not null,
  sealed        bytea       not null,    -- address and name
  password_hash text        not null,
  expires_at    timestamptz not null
);
create index registrations_by_end on registrations (expires_at);
create index registrations_by_email on registrations (email_hash);

create table password_resets (
  token_hash bytea       primary key,    -- SHA-256
  account_id uuid        not null,
  expires_at timestamptz not null
);
create index password_resets_by_account on password_resets (account_id);
create index password_resets_by_end on password_resets (expires_at);

-- Messages that still have to be sent.
create table mails (
  id         uuid        primary key,
  email_hash text        not null,       -- of whom they are to, so that they can be erased
  sealed     bytea       not null,       -- address, subject and text
  attempts   int         not null default 0,
  due_at     timestamptz not null,       -- not to be tried before
  created_at timestamptz not null
);
create index mails_by_time on mails (due_at);
create index mails_by_email on mails (email_hash);

create table second_factors (
  account_id uuid    primary key,
  sealed     text    not null,           -- the shared secret, with the person's key
  confirmed  boolean not null,
  last_step  bigint  not null default 0  -- the time step of the last code that was taken
);
create table recovery_codes (
  account_id uuid  not null,
  hash       bytea not null,             -- SHA-256; the codes are random
  primary key (account_id, hash)
);

-- Turns a second factor on, with its recovery codes, or removes it with what is left of them.
create type second_factor_changes as (
  account_id      uuid,
  enabled         boolean,
  last_step       bigint,
  recovery_hashes bytea[]
);
create function apply_second_factor_changes(
  rows second_factor_changes[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
declare
  change second_factor_changes;
begin
  for change in
    select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
    where verdicts[p.append] = 0
  loop
    delete from recovery_codes where account_id = change.account_id;
    if change.enabled then
      update second_factors set confirmed = true, last_step = change.last_step
      where account_id = change.account_id;
      insert into recovery_codes select change.account_id, unnest(change.recovery_hashes);
    else
      delete from second_factors where account_id = change.account_id;
    end if;
  end loop;
end $$;

-- Whoever has a new password needs no message sent before it to get one.
create or replace function apply_account_passwords(
  rows account_passwords[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  insert into account_passwords
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (account_id) do update set hash = excluded.hash;
  delete from password_resets where account_id in (
    select (p.row).account_id
    from (select unnest(rows) as row, unnest(row_append) as append) as p
    where verdicts[p.append] = 0);
end $$;
-- For as long as there is a bcrypt hash, every log-in spends the time of one.
create index account_passwords_by_bcrypt on account_passwords (substr(hash, 1, 7))
  where hash like '$2_$%';
-- The highest cost of all of them, null without any. It jumps from one beginning (`$2b$12$`) to the
-- next in the index, of which there are a few.
create view bcrypt_cost as
with recursive beginnings as (
  (select substr(hash, 1, 7) as beginning from account_passwords
   where hash like '$2_$%' order by 1 limit 1)
  union all
  select (
    select substr(hash, 1, 7) from account_passwords
    where hash like '$2_$%' and substr(hash, 1, 7) > beginning order by 1 limit 1)
  from beginnings where beginning is not null
)
select max(substr(beginning, 5, 2)::int) as highest
from beginnings where beginning ~ '^\$2.\$\d\d\$$';

-- Erases a person, in the transaction of the event that says so. What was sealed with the key is
-- lost with the key, wherever it was copied.
create type erasures as (account_id uuid, email_hash text);
create function apply_erasures(rows erasures[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
declare
  erased erasures;
begin
  for erased in
    select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
    where verdicts[p.append] = 0
  loop
    delete from person_keys where person_id = erased.account_id;
    delete from account_passwords where account_id = erased.account_id;
    -- In the order in which renewing locks them, or the two could wait for each other; what is
    -- renewed in between goes with its session.
    delete from refresh_tokens t using sessions s
    where s.account_id = erased.account_id and t.session_id = s.id;
    delete from sessions where account_id = erased.account_id;
    delete from second_factors where account_id = erased.account_id;
    delete from recovery_codes where account_id = erased.account_id;
    delete from password_resets where account_id = erased.account_id;
    delete from idempotency_keys where account_id = erased.account_id;
    delete from registrations where email_hash = erased.email_hash;
    delete from mails where email_hash = erased.email_hash;
  end loop;
end $$;

grant select, insert, update, delete on sessions, refresh_tokens, registrations, password_resets, mails,
  second_factors, recovery_codes to ledgerpress_app;
grant select on bcrypt_cost to ledgerpress_app;
-- Whoever deletes old rows locks them first; that takes the right to update a column.
grant update (recorded_at) on idempotency_keys to ledgerpress_app;
