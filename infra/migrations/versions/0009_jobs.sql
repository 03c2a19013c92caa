-- Jobs, and the leases of those who do them.
select 1;
