-- How far the relay has published the log.
select 1;
