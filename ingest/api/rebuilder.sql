-- Whom a path names.
SELECT id, generation, kind FROM rebuilders WHERE name = :name;
