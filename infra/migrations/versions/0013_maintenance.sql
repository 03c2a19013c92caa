-- Maintenance: while there is a row, every process of the API answers 503.

create table maintenance (
  one_row             bool        primary key default true check (one_row),
  reason              text        not null check (length(reason) between 1 and 500),  -- for clients
  retry_after_seconds int         not null check (retry_after_seconds between 1 and 86400),
  since               timestamptz not null default clock_timestamp()
);
comment on table maintenance is 'One row while the product is in maintenance, none otherwise.';

grant select, insert, update, delete on maintenance to ledgerpress_app;
