-- Files, what they are made of, and uploads that are under way. Of all this `files` and `file_blobs`
-- are read models; the rest is about blobs, which stand outside the database.

create table files (
  id          uuid        primary key,
  version     int         not null,
  owner_id    uuid        not null,
  digest      text,                      -- SHA-256 in hexadecimal; null once it is deleted
  size        bigint      not null,      -- in bytes
  mime        text        not null,
  name_sealed text,                      -- with the owner's key
  width       int,                       -- in pixels, of images
  height      int,
  blur_hash   text,
  thumbnails  bytea       not null,      -- JSON: width, height, digest and size of each
  deleted     boolean     not null,
  created_at  timestamptz not null,
  updated_at  timestamptz not null
);
create index files_by_owner on files (owner_id, created_at desc, id desc) include (size)
  where not deleted;
create index files_without_previews on files (created_at, id)
  where width is not null and blur_hash is null and not deleted;

-- Every blob that a file consists of: its own bytes, and those of its thumbnails.
create table file_blobs (
  file_id uuid not null,
  digest  text not null,
  primary key (file_id, digest)
);
create index file_blobs_by_digest on file_blobs (digest);

insert into projections (name, schema_version) values ('files', 1);
select make_read_model('files', 'files'), make_read_model('files', 'file_blobs');

-- The rows of a file's blobs come with the row of the file, so what it no longer consists of goes
-- first.
create function apply_files(rows files[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  perform require_schema_version('files');
  delete from file_blobs b
  using (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0 and b.file_id = (p.row).id;
  insert into files
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (id) do update set
    version = excluded.version, owner_id = excluded.owner_id, digest = excluded.digest,
    size = excluded.size, mime = excluded.mime, name_sealed = excluded.name_sealed,
    width = excluded.width, height = excluded.height, blur_hash = excluded.blur_hash,
    thumbnails = excluded.thumbnails, deleted = excluded.deleted,
    created_at = excluded.created_at, updated_at = excluded.updated_at;
end $$;

create function apply_file_blobs(rows file_blobs[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  insert into file_blobs
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (file_id, digest) do nothing;
end $$;

-- An upload that is under way, and the blob that it is about to use once its digest is known. While
-- it is here nobody removes that blob, and its bytes count as the owner's. Its time is the
-- database's: hosts' clocks differ.
create table blob_holds (
  upload_id  uuid        primary key,
  digest     text,
  owner_id   uuid        not null,
  size       bigint      not null default 0,
  expires_at timestamptz not null
);
create index blob_holds_by_digest on blob_holds (digest) where digest is not null;
create index blob_holds_by_owner on blob_holds (owner_id);
create index blob_holds_by_end on blob_holds (expires_at);

-- What was uploaded is recorded: from now on the file's own rows keep its blobs. Without its hold a
-- blob may be gone already, so nothing can be recorded then. Who holds the row at this moment takes
-- the hold away, and must not be waited for under the lock of the log.
create type hold_releases as (upload_id uuid);
create function apply_hold_releases(rows hold_releases[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
declare
  released constant uuid[] := array(
    select (p.row).upload_id
    from (select unnest(rows) as row, unnest(row_append) as append) as p
    where verdicts[p.append] = 0);
  free constant uuid[] := array(
    select upload_id from blob_holds where upload_id = any (released) for update skip locked);
begin
  if cardinality(free) < cardinality(released) then
    raise exception 'the hold of an upload is over: its bytes may be gone';
  end if;
  delete from blob_holds where upload_id = any (free);
end $$;

-- Blobs that a file has stopped using, to be removed if nobody else uses them.
create table unused_blobs (
  digest  text        not null,
  file_id uuid        not null,
  since   timestamptz not null,
  primary key (digest, file_id)
);
create index unused_blobs_by_age on unused_blobs (since);

create function apply_unused_blobs(rows unused_blobs[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  insert into unused_blobs
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (digest, file_id) do nothing;
end $$;

-- Whoever is about to remove a blob, or to use one, waits for the other until the transaction ends.
create function lock_blob(of_digest text) returns void language sql volatile as $$
  select pg_advisory_xact_lock(hashtextextended(of_digest, 8))
$$;

create function blob_is_wanted(of_digest text) returns boolean language sql stable as $$
  select exists (select from file_blobs where digest = of_digest)
    or exists (select from blob_holds where digest = of_digest)
$$;

create function bytes_of_account(account uuid, but_for uuid) returns numeric
language sql stable as $$
  select
    coalesce((select sum(size) from files where owner_id = account and not deleted), 0)
    + coalesce((
      select sum(size) from blob_holds where owner_id = account and upload_id <> but_for), 0)
$$;

-- Says of an upload what its digest is, unless there is no room for it; a quota of null counts
-- nothing. PL/pgSQL, as each statement must see what was committed while it waited for a lock.
create function settle_hold(
  upload uuid, its_digest text, its_size bigint, quota bigint, seconds double precision)
returns text language plpgsql volatile as $$
declare
  owner constant uuid := (select owner_id from blob_holds where upload_id = upload);
begin
  if owner is null then
    return 'gone';
  end if;
  if quota is not null then
    perform pg_advisory_xact_lock(hashtextextended(owner::text, 9));
    if bytes_of_account(owner, upload) + its_size > quota then
      return 'full';
    end if;
  end if;
  perform lock_blob(its_digest);
  update blob_holds set digest = its_digest, size = case when quota is null then 0 else its_size end,
    expires_at = clock_timestamp() + make_interval(secs => seconds)
  where upload_id = upload;
  return case when found then 'held' else 'gone' end;
end $$;

grant select, insert, update, delete on blob_holds, unused_blobs to ledgerpress_app;
