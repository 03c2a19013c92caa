-- The query of the keys of those who own files. It is prepared against PostgreSQL in a test.

-- name: person_keys
select person_id, key from person_keys where person_id = any($1::uuid[])
