-- The append as in 0001, and beside what it could check already: that a scope is vacant, so that no
-- file is deleted while a live post holds a claim on it.
drop function append_events;

-- Writes a group of appends, each on its own stream, in one statement.
--
-- The caller guarantees that no two appends of a group touch the same stream, claim or idempotency
-- key, so each can be judged alone: a refused one writes nothing and the others go on.
--
-- The advisory lock is held until commit, so positions are dense and in commit order. It works only
-- because this is a VOLATILE function: each statement below sees what was committed before it, also
-- by whoever held the lock until a moment ago. Inlined into the caller's statement it would not.
--
-- appends:  streams, expected versions (0 none yet, -1 any), metadata, time; one element each
-- events:   their append (1-based), place in it (1-based), id, type, data; in the order of appends
-- seen:     other streams on which a decision rests: its append, the stream, the version it saw
-- claims:   to take and to release: their append, scope, key
-- keys:     idempotency keys: their append, account, key, fingerprint, answer
-- vacant:   scopes in which nobody may hold a claim: their append, scope
--           seen, claims, keys and vacant are null where there are none
-- returns:  per append its verdict (0 appended, 1 version conflict, 2 claim taken or scope not
--           vacant, 3 key used, 4 a seen stream has changed) and the stream's version before it; the
--           log's last position before the group
create function append_events(
  append_category text[], append_stream uuid[], append_expected int[], append_metadata text[],
  append_at timestamptz[],
  event_append int[], event_place int[], event_id uuid[], event_type text[], event_data text[],
  seen_append int[], seen_category text[], seen_stream uuid[], seen_version int[],
  take_append int[], take_scope text[], take_key text[],
  release_append int[], release_scope text[], release_key text[],
  key_append int[], key_account uuid[], key_key text[], key_fingerprint bytea[], key_answer bytea[],
  -- Programs from before this migration give none.
  vacant_append int[] default null, vacant_scope text[] default null,
  out verdicts int[], out versions int[], out head bigint
) language plpgsql volatile
  -- It alone may add to the log: whoever calls it need not have the right to.
  security definer set search_path = public, pg_temp
  -- With the arrays in sight PostgreSQL would plan each statement anew, which takes twice as long as
  -- running it.
  set plan_cache_mode = force_generic_plan as $$
begin
  perform pg_advisory_xact_lock(7205759403792793);

  head := coalesce((select max(e.position) from events e), 0);
  versions := array(
    select coalesce((
      select e.version from events e
      where e.stream_id = a.stream_id and e.category = a.category
      order by e.version desc limit 1), 0)
    from unnest(append_category, append_stream) as a(category, stream_id));
  verdicts := array(
    select case when a.expected in (-1, a.version) then 0 else 1 end
    from unnest(append_expected, versions) as a(expected, version));

  if seen_append is not null then
    verdicts := array(
      select case when v.append = any (changed.appends) then 4 else v.verdict end
      from unnest(verdicts) with ordinality as v(verdict, append), (
        select array_agg(s.append) as appends
        from unnest(seen_append, seen_category, seen_stream, seen_version)
          as s(append, category, stream_id, version)
        -- A look-up in the index for each, which a join would not be under the generic plan.
        where s.version < (
          select e.version from events e
          where e.stream_id = s.stream_id and e.category = s.category
          order by e.version desc limit 1)
      ) as changed);
  end if;
  if take_append is not null then
    verdicts := array(
      select case when v.verdict = 0 and exists (
        select from unnest(take_append, take_scope, take_key) as t(append, scope, key)
        join claims c using (scope, key)
        where t.append = v.append and c.owner_id <> append_stream[v.append]
      ) then 2 else v.verdict end
      from unnest(verdicts) with ordinality as v(verdict, append));
  end if;
  if vacant_append is not null then
    verdicts := array(
      select case when v.verdict = 0 and exists (
        select from unnest(vacant_append, vacant_scope) as t(append, scope)
        join claims c using (scope)
        where t.append = v.append
      ) then 2 else v.verdict end
      from unnest(verdicts) with ordinality as v(verdict, append));
  end if;
  if key_append is not null then
    verdicts := array(
      select case when exists (
        select from unnest(key_append, key_account, key_key) as k(append, account_id, key)
        join idempotency_keys i using (account_id, key)
        where k.append = v.append
      ) then 3 else v.verdict end
      from unnest(verdicts) with ordinality as v(verdict, append));
  end if;

  insert into events (
    position, category, stream_id, version, event_id, type, data, metadata, recorded_at)
  select head + row_number() over (), append_category[e.append], append_stream[e.append],
    versions[e.append] + e.place, e.id, e.type, e.data::json, append_metadata[e.append]::json,
    append_at[e.append]
  from unnest(event_append, event_place, event_id, event_type, event_data)
    as e(append, place, id, type, data)
  where verdicts[e.append] = 0;

  if release_append is not null then
    delete from claims c
    using unnest(release_append, release_scope, release_key) as r(append, scope, key)
    where c.scope = r.scope and c.key = r.key and c.owner_id = append_stream[r.append]
      and verdicts[r.append] = 0;
  end if;
  if take_append is not null then
    insert into claims (scope, key, owner_id)
    select t.scope, t.key, append_stream[t.append]
    from unnest(take_append, take_scope, take_key) as t(append, scope, key)
    where verdicts[t.append] = 0
    order by t.scope, t.key
    on conflict (scope, key) do nothing;
  end if;
  if key_append is not null then
    insert into idempotency_keys (account_id, key, fingerprint, answer, recorded_at)
    select k.account_id, k.key, k.fingerprint, k.answer, append_at[k.append]
    from unnest(key_append, key_account, key_key, key_fingerprint, key_answer)
      as k(append, account_id, key, fingerprint, answer)
    where verdicts[k.append] = 0;
  end if;
end $$;
