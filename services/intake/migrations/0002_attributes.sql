-- migrate:up

-- What else the app said of the complaint, in keys of its own. The default is kept in the catalogue: no row is written anew.
ALTER TABLE complaints ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}';

-- migrate:down

ALTER TABLE complaints DROP COLUMN attributes;
