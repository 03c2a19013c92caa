-- The read models that the projector writes. They become views of their first generation, as all
-- read models are: see 0005_projections.sql.

create table activity (
  post_id     uuid not null,
  day         date not null,             -- in UTC
  author_id   uuid not null,
  created     int  not null,
  edited      int  not null,
  scheduled   int  not null,
  published   int  not null,
  unpublished int  not null,
  archived    int  not null,
  deleted     int  not null,
  restored    int  not null,
  primary key (post_id, day)
);
create index activity_by_author on activity (author_id, day);

-- English stems, and every word counts: without a list of words to leave out, "IT" and "The Who" can
-- be found, and other languages lose nothing.
create text search dictionary ledgerpress_stem (template = snowball, language = english);
create text search configuration ledgerpress (copy = pg_catalog.english);
alter text search configuration ledgerpress
  alter mapping for asciiword, asciihword, hword_asciipart, word, hword, hword_part
  with ledgerpress_stem;

-- Holds what everybody may read, and nothing else.
create table post_search (
  id           uuid        primary key,
  version      int         not null,     -- of the post, when this was written
  author_id    uuid        not null,
  published_at timestamptz not null,
  title        text        not null,
  content      text        not null,     -- its first 150,000 bytes
  words        tsvector    not null generated always as (
    setweight(to_tsvector('ledgerpress', title), 'A')
    || setweight(to_tsvector('ledgerpress', content), 'B')) stored
);
create index post_search_by_word on post_search using gin (words);
create index post_search_newest on post_search (published_at desc, id desc);

insert into projections (name, schema_version, position) values ('activity', 1, 0), ('search', 1, 0);
select make_read_model('activity', 'activity'), make_read_model('search', 'post_search');

-- A query for any of the words of a text. Ranks and headlines are made with it rather than with what
-- was asked: for phrases and for words that must all be there PostgreSQL tries every combination of
-- places, which takes minutes for a text made to that end.
create function any_word(asked text) returns tsquery language sql immutable strict as $$
  select coalesce(string_agg(
    '''' || replace(replace(word, '\', '\\'), '''', '''''') || '''', ' | '), '')::tsquery
  from unnest(tsvector_to_array(to_tsvector('ledgerpress', asked))) as word
$$;

-- Finds published posts by words, the best first, after a place in that order; `size` is that of the
-- post's body. What takes long is to look at the words of a post, which are kept apart from its row:
-- so only the newest 500 of what matches are ranked, and phrases are looked for in the newest 3,000 of
-- the posts that have all of their words. PL/pgSQL for its setting: how often a word is used decides
-- whether to begin at the words or at the newest posts, so each query needs its own plan.
create function search_posts(asked text, before_score bigint, before_id uuid, most int)
returns table (score bigint, id uuid, size int) language plpgsql stable
  set plan_cache_mode = force_custom_plan as $$
declare
  ranking constant tsquery := any_word(asked);
  wanted constant tsquery := websearch_to_tsquery('ledgerpress', asked);
  -- Words instead of phrases, but for a phrase that is excluded.
  by_words constant tsquery := case when wanted::text like '%!%' then wanted
    else regexp_replace(wanted::text, '<(-|\d+)>', '&', 'g')::tsquery end;
begin
  return query
  with likely as materialized (
    select s.id, s.words from post_search s
    where s.words @@ by_words
    order by s.published_at desc, s.id desc
    limit case when by_words = wanted then 500 else 3000 end
  ), matching as (
    select l.id, l.words from likely l where by_words = wanted or l.words @@ wanted limit 500
  ), ranked as (
    select (ts_rank(m.words, ranking, 1) * 1e9)::bigint as score, m.id from matching m
  )
  select r.score, r.id, octet_length(p.body)
  from ranked r join posts p on p.id = r.id
  where (r.score, r.id) < (before_score, before_id)
    and p.status = 'published' and not p.deleted and p.held_by is null
  order by r.score desc, r.id desc limit most;
end $$;
