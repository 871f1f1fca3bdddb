-- Two categories that became one: what was counted in the former is counted in the other.
UPDATE main.failures SET category_id = :id WHERE category_id = :former;
INSERT INTO main.snapshot_categories (snapshot_id, category_id, failures, packages)
SELECT snapshot_id, :id, failures, packages FROM main.snapshot_categories WHERE category_id = :former
ON CONFLICT (snapshot_id, category_id) DO UPDATE SET
    failures = snapshot_categories.failures + excluded.failures,
    packages = snapshot_categories.packages + excluded.packages;
DELETE FROM main.snapshot_categories WHERE category_id = :former;
DELETE FROM main.categories WHERE id = :former;
