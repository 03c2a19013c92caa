-- Every read model `T` is a view of a table `T_g<N>`, its generation N. A rebuild fills a generation
-- beside the one that is served and makes the view show it. Queries, the statements that processes
-- have prepared, the row type `T[]` and `apply_T` all name the view, so they go on as they are.

create table projections (
  name           text        primary key,
  schema_version int         not null,  -- of the rows that are served
  generation     int         not null default 1,
  position       bigint,                -- of the last event that was folded; null for an inline one
  epoch          bigint      not null default 1,  -- grows when somebody else may write it
  leader         uuid,                  -- the projector that writes it
  lease_until    timestamptz,
  halted         jsonb,                 -- {position, type, stream, reason} of an event that cannot be folded
  previous       jsonb,                 -- {generation, position, schema_version} to go back to
  moved_at       timestamptz,
  heartbeat_at   timestamptz
);
comment on table projections is 'Where each projection stands, and which generation of it is served.';

create table projection_tables (
  name       text primary key,
  projection text not null references projections
);
comment on table projection_tables is 'The read models of each projection.';

-- Only the tables' owner may create and replace tables and views. The product runs as somebody else,
-- and may do it through the functions below alone.

create function show_generation(read_model text, generation int)
returns void language plpgsql as $$
begin
  execute (
    select format('create or replace view %I as select %s from %I', read_model,
      string_agg(quote_ident(a.attname), ', ' order by a.attnum), read_model || '_g' || generation)
    from pg_attribute a
    where a.attrelid = format('%I', read_model || '_g' || generation)::regclass
      and a.attnum > 0 and not a.attisdropped);
end $$;
comment on function show_generation is 'Makes the view of a read model show a generation of it.';

-- Turns a table into the first generation of a read model.
create function make_read_model(projection text, read_model text)
returns void language plpgsql as $$
declare
  old record;
begin
  execute format('alter table %I rename to %I', read_model, read_model || '_g1');
  for old in
    select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = format('%I', read_model || '_g1')::regclass
  loop
    execute format('alter index %I rename to %I', old.relname,
      read_model || '_g1' || substr(old.relname, length(read_model) + 1));
  end loop;
  perform show_generation(read_model, 1);
  execute format('grant select, insert, update, delete on %I, %I to ledgerpress_app',
    read_model, read_model || '_g1');
  insert into projection_tables values (read_model, projection);
end $$;

-- Lists the tables of generations that are neither served nor kept to go back to.
create function stray_generations(of_projection text)
returns setof name language sql stable as $$
  select c.relname
  from projections p
  join projection_tables t on t.projection = p.name
  join pg_class c on c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
    and c.relname ~ ('^' || t.name || '_g\d+$')
  where p.name = of_projection
    and c.relname <> t.name || '_g' || p.generation
    and c.relname <> t.name || '_g' || coalesce(p.previous->>'generation', 'none')
$$;

create function drop_stray_generations(of_projection text)
returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
  stray name;
begin
  for stray in select * from stray_generations(of_projection) loop
    execute format('drop table %I', stray);
  end loop;
end $$;

-- Creates the tables of a new generation, without a key or any index, and gives its number.
create function begin_generation(of_projection text)
returns int language plpgsql security definer set search_path = public, pg_temp as $$
declare
  served int;
  made int;
  read_model text;
  options text;
begin
  select p.generation, greatest(p.generation, (p.previous->>'generation')::int) + 1
  into strict served, made from projections p where p.name = of_projection;
  for read_model in select t.name from projection_tables t where t.projection = of_projection loop
    execute format('create table %I (like %I including all excluding indexes)',
      read_model || '_g' || made, read_model || '_g' || served);
    select array_to_string(c.reloptions, ', ') into options
    from pg_class c where c.oid = format('%I', read_model || '_g' || served)::regclass;
    if options is not null then
      execute format('alter table %I set (%s)', read_model || '_g' || made, options);
    end if;
    execute format('grant select, insert, update, delete on %I to ledgerpress_app',
      read_model || '_g' || made);
  end loop;
  return made;
end $$;

-- Gives a table the keys and indexes that the served one has.
create function index_generation(of_projection text, made int)
returns void language plpgsql security definer
  set search_path = public, pg_temp set maintenance_work_mem = '128MB' as $$
declare
  old record;
  served_table text;
  made_table text;
  made_index text;
begin
  for old in
    select t.name as read_model, p.generation, c.relname as index_name, i.indisprimary,
      i.indisunique, pg_get_indexdef(i.indexrelid) as definition,
      pg_get_constraintdef(k.oid) as key
    from projections p
    join projection_tables t on t.projection = p.name
    join pg_index i on i.indrelid = format('%I', t.name || '_g' || p.generation)::regclass
    join pg_class c on c.oid = i.indexrelid
    left join pg_constraint k on k.conindid = i.indexrelid and i.indisprimary
    where p.name = of_projection
    order by t.name, i.indisprimary desc, c.relname
  loop
    served_table := old.read_model || '_g' || old.generation;
    made_table := old.read_model || '_g' || made;
    made_index := made_table || substr(old.index_name, length(served_table) + 1);
    if old.indisprimary then
      execute format('alter table %I add constraint %I %s', made_table, made_index, old.key);
    else
      execute format('create %s index %I on %I %s', case when old.indisunique then 'unique' end,
        made_index, made_table,
        substr(old.definition, position(' USING ' in old.definition) + 1));
    end if;
  end loop;
  -- Or the first queries would be planned as for an empty table.
  for made_table in
    select t.name || '_g' || made from projection_tables t where t.projection = of_projection
  loop
    execute format('analyze %I', made_table);
  end loop;
end $$;

-- Serves another generation from the commit of the transaction on, and keeps the one before.
-- `old_position` is the last event that the old one knows, `new_position` null for an inline one.
create function serve_generation(
  of_projection text, made int, made_version int, old_position bigint, new_position bigint)
returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform show_generation(t.name, made)
  from projection_tables t where t.projection = of_projection order by t.name;
  update projections p set
    previous = jsonb_build_object('generation', p.generation, 'position', old_position,
      'schema_version', p.schema_version),
    generation = made, schema_version = made_version, position = new_position,
    epoch = p.epoch + 1, leader = null, lease_until = null, halted = null,
    moved_at = clock_timestamp()
  where p.name = of_projection;
end $$;

-- These change what is served: for nobody but the product.
revoke all on function show_generation, make_read_model, drop_stray_generations, begin_generation,
  index_generation, serve_generation from public;
grant execute on function drop_stray_generations, begin_generation, index_generation,
  serve_generation to ledgerpress_app;
grant usage on schema public to ledgerpress_app;  -- a schema made by hand has no such grant
grant select, update on projections to ledgerpress_app;
grant select on projection_tables to ledgerpress_app;

-- The functions take rows of the tables' types, which become those of the views.
drop function apply_posts(posts[], int[], int[]);
drop function apply_former_slugs(former_slugs[], int[], int[]);
drop function apply_accounts(accounts[], int[], int[]);

-- The files that a post shows, by which it is found: whoever may see the one may see the other. What
-- waits to be indexed would have to be searched by every read, so nothing does.
alter table posts add column files uuid[] not null default '{}';
alter table posts alter column files drop default;
create index posts_by_file on posts using gin (files) with (fastupdate = off) where files <> '{}';

insert into projections (name, schema_version) values ('posts', 1), ('accounts', 2);
select make_read_model('posts', 'posts'), make_read_model('posts', 'former_slugs'),
  make_read_model('accounts', 'accounts');

-- Refuses, as in an outage, the writes of a program whose rows are of another schema version than those
-- that are served: it was started before they changed places, and its time is over. Whoever does not
-- say which versions it writes is no process of the product.
create function require_schema_version(of_projection text)
returns void language plpgsql stable as $$
declare
  served constant text := (
    select p.name || ':' || p.schema_version from projections p where p.name = of_projection);
  written constant text := current_setting('ledgerpress.schema_versions', true);
begin
  if written <> '' and not served = any (string_to_array(written, ' ')) then
    raise exception 'the rows of % have another schema version by now: start the new program',
      of_projection using errcode = 'read_only_sql_transaction';
  end if;
end $$;

create function apply_posts(rows posts[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  perform require_schema_version('posts');
  insert into posts
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (id) do update set
    version = excluded.version, author_id = excluded.author_id, status = excluded.status,
    deleted = excluded.deleted, held_by = excluded.held_by, slug = excluded.slug,
    sort_at = excluded.sort_at, publish_at = excluded.publish_at,
    updated_at = excluded.updated_at, body = excluded.body, files = excluded.files;
end $$;

create function apply_former_slugs(rows former_slugs[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  insert into former_slugs
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (slug, post_id) do update set left_at = excluded.left_at;
end $$;

-- Whoever is erased shall not be found in tables that nobody is served from either. One that is being
-- filled or indexed at this moment is locked, and learns it from the event.
create function forget_in_other_generations(read_model text, forgotten uuid)
returns void language plpgsql as $$
declare
  other name;
begin
  for other in
    select c.relname from pg_class c
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
      and c.relname ~ ('^' || read_model || '_g\d+$')
      and c.relname <> (
        select t.name || '_g' || p.generation
        from projection_tables t join projections p on p.name = t.projection
        where t.name = read_model)
  loop
    begin
      execute format('lock table %I in row exclusive mode nowait', other);
      execute format('delete from %I where id = $1', other) using forgotten;
    exception when lock_not_available or undefined_table then null;
    end;
  end loop;
end $$;

create function apply_accounts(rows accounts[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  perform require_schema_version('accounts');
  insert into accounts
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (id) do update set
    version = excluded.version, email_hash = excluded.email_hash, roles = excluded.roles,
    disabled = excluded.disabled, sessions_from = excluded.sessions_from,
    second_factor = excluded.second_factor, erased = excluded.erased;
  perform forget_in_other_generations('accounts', (p.row).id)
  from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0 and (p.row).erased;
end $$;

-- Texts of 2 KB and more are compressed: by LZ4 that takes a fifth of the time, where the server knows
-- it, and so does reading them all for a rebuild. What is stored already stays as it is.
do $$ begin
  alter table events alter column data set compression lz4;
exception when feature_not_supported then null;
end $$;
