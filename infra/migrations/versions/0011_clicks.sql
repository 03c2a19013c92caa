-- Clicks on links to other places, counted.
select 1;
