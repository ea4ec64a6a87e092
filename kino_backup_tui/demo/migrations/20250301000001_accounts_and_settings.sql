CREATE TABLE user_account (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role       TEXT NOT NULL CHECK (role IN ('owner', 'member', 'child')),
    pin_hash   TEXT,
    created_at TEXT NOT NULL
);

CREATE TABLE app_setting (
    key        TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    changed_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE quality_profile (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    wanted     TEXT NOT NULL CHECK (json_valid(wanted)),
    created_at TEXT NOT NULL
);
