CREATE TABLE tag (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE COLLATE NOCASE,
    created_at TEXT NOT NULL
);

CREATE TABLE film_tag (
    film_id  INTEGER NOT NULL REFERENCES film (id) ON DELETE CASCADE,
    tag_id   INTEGER NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    added_at TEXT NOT NULL,
    PRIMARY KEY (film_id, tag_id)
) WITHOUT ROWID;

CREATE INDEX film_tag_by_tag ON film_tag (tag_id);
