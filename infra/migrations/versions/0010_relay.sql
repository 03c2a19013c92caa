-- How far the relay has published the log. It follows the log as projections do, with a checkpoint, an
-- epoch and a lease; it has no tables. `previous` is where it stood before operators sent it back.
insert into projections (name, schema_version, position) values ('relay', 1, 0);
