-- Files, what they are made of, and uploads that are under way.
select 1;
