-- The read models of posts and accounts: written in the transaction of the events that they show.
-- Each has a function `apply_<table>`, called by the append statement with the rows to put, the
-- append that each belongs to and the verdicts; rows of refused appends are left out. They are in
-- PL/pgSQL because it keeps the plan, which a function in SQL makes anew at each call.

create table posts (
  id         uuid        primary key,
  version    int         not null,
  author_id  uuid        not null,
  status     text        not null,
  deleted    boolean     not null,
  held_by    text,                  -- who implements a legal hold, null without one
  slug       text        not null,
  sort_at    timestamptz not null,  -- published_at once published, created_at until then
  publish_at timestamptz,
  updated_at timestamptz not null,
  body       bytea       not null   -- the JSON that clients get
) with (fillfactor = 80);           -- room on the page, so that an edit touches no index
alter table posts alter column body set storage external;
create unique index posts_by_slug on posts (slug) where not deleted;
create index posts_published on posts (sort_at desc, id desc)
  where status = 'published' and not deleted and held_by is null;
create index posts_by_author on posts (author_id, status, sort_at desc, id desc);
create index posts_due on posts (publish_at) where status = 'scheduled' and not deleted;

create function apply_posts(rows posts[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  insert into posts
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (id) do update set
    version = excluded.version, author_id = excluded.author_id, status = excluded.status,
    deleted = excluded.deleted, held_by = excluded.held_by, slug = excluded.slug,
    sort_at = excluded.sort_at, publish_at = excluded.publish_at,
    updated_at = excluded.updated_at, body = excluded.body;
end $$;

create table former_slugs (
  slug    text        not null,
  post_id uuid        not null,
  left_at timestamptz not null,
  primary key (slug, post_id)
);

create function apply_former_slugs(rows former_slugs[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  insert into former_slugs
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (slug, post_id) do update set left_at = excluded.left_at;
end $$;

create table accounts (
  id         uuid        primary key,
  version    int         not null,
  email_hash text        not null,
  roles      text[]      not null,
  disabled   boolean     not null,
  created_at timestamptz not null
);
create unique index accounts_by_email on accounts (email_hash);

create function apply_accounts(rows accounts[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  insert into accounts
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (id) do update set
    version = excluded.version, email_hash = excluded.email_hash, roles = excluded.roles,
    disabled = excluded.disabled;
end $$;

-- What an account must have and no event may hold.
create table account_passwords (
  account_id uuid primary key,
  hash       text not null
);
create table person_keys (
  person_id uuid  primary key,
  key       bytea not null           -- AES-256, itself encrypted with a key from SECRETS_DIR
);

-- The role as which the product runs: it reads the log, adds to it through `append_events`, and can
-- do nothing else to it. It reads the schema's version, which is compared at every start.
do $$ begin
  create role ledgerpress_app nologin;
exception when duplicate_object or unique_violation then null;
end $$;
do $$ begin
  if not pg_has_role(current_user, 'ledgerpress_app', 'member') then
    execute format('grant ledgerpress_app to %I', current_user);
  end if;
end $$;
grant select on events, alembic_version to ledgerpress_app;
grant select, insert, delete on claims, idempotency_keys to ledgerpress_app;
grant select, insert, update, delete on posts, former_slugs, accounts, account_passwords, person_keys
  to ledgerpress_app;
