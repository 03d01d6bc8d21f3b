-- What the rows of a data set are, and what was asked for as JSON, with the counts of what was left out.
ALTER TABLE datasets ADD COLUMN kind TEXT NOT NULL DEFAULT 'classification';
ALTER TABLE datasets ADD COLUMN description TEXT;
ALTER TABLE datasets ADD COLUMN selection TEXT;
-- How many of its episodes were deleted since; the content still holds them.
ALTER TABLE datasets ADD COLUMN erased_count INTEGER NOT NULL DEFAULT 0;
-- What its rows of members name it by: the first 64 bits of SHA-256 of its id. NULL for data sets that were built before members were kept.
ALTER TABLE datasets ADD COLUMN member_key BIGINT;
CREATE UNIQUE INDEX datasets_by_member_key ON datasets (member_key) WHERE member_key IS NOT NULL;

-- Which data sets hold an episode, a session or a user: the first 64 bits of SHA-256 of a word for what it is and of its id. Hashes outlive the episodes, so that the question is
-- answered after a deletion too, by whoever knows the id. Rows of a data set come before its own row does.
CREATE TABLE dataset_members (
    member   BIGINT NOT NULL,
    dataset  BIGINT NOT NULL,
    episodes INTEGER NOT NULL,
    erased   INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (member, dataset)
-- SQLite: ) WITHOUT ROWID;
-- PostgreSQL: );
