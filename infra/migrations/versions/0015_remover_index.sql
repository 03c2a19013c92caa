-- Few accounts are erased: whoever looks for files of theirs need not pass over all the others, nor
-- over all files. Every generation gets the index, as a rebuild copies those of the one it replaces.
do $$
declare
  generation name;
begin
  for generation in
    select relname from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and relname ~ '^accounts_g\d+$'
  loop
    execute format('create index %I on %I (id) where erased', generation || '_erased', generation);
  end loop;
end $$;
