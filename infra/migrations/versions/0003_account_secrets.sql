-- What a registration writes in the transaction of its event, though it is no read model: neither
-- can be made again from the log. See the append statement for the form of these functions.

-- A person's key is never replaced: everything sealed with the old one would be lost. A second one
-- for the same person is a bug and fails loudly.
create function apply_person_keys(rows person_keys[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  insert into person_keys
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0;
end $$;

create function apply_account_passwords(
  rows account_passwords[], row_append int[], verdicts int[])
returns void language plpgsql volatile strict as $$
begin
  insert into account_passwords
  select (p.row).* from (select unnest(rows) as row, unnest(row_append) as append) as p
  where verdicts[p.append] = 0
  on conflict (account_id) do update set hash = excluded.hash;
end $$;
