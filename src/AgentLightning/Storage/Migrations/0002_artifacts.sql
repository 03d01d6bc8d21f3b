-- The content of models and data sets, where several servers share one database; a store in a file keeps it in a folder beside it.
CREATE TABLE artifacts (
    id      TEXT PRIMARY KEY,
    content BYTEA NOT NULL
);
