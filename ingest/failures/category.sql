INSERT INTO main.categories (key, name, class, temporary, action, bug, description)
VALUES (:key, :name, :class, :temporary, :action, :bug, :description)
ON CONFLICT (key) DO UPDATE SET
    name = excluded.name, class = excluded.class, temporary = excluded.temporary,
    action = excluded.action, bug = excluded.bug, description = excluded.description
WHERE (categories.name, categories.class, categories.temporary, categories.action, categories.bug,
    categories.description)
    IS NOT (excluded.name, excluded.class, excluded.temporary, excluded.action, excluded.bug,
    excluded.description);
