-- What a server writes to see whether the store takes writes.
CREATE TABLE store_probe (
    id INTEGER PRIMARY KEY,
    at BIGINT NOT NULL
);

-- Who holds what alone, and until when. A row stays when nobody holds it: its token rises with every holder, and what carries an older one is refused.
CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    token      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Work that one server at a time does, and when it was done last.
CREATE TABLE jobs (
    name         TEXT PRIMARY KEY,
    started_at   BIGINT NOT NULL,
    completed_at BIGINT,
    error        TEXT,
    runs         BIGINT NOT NULL
);

-- How often something changed that servers keep in memory: who sees another number than before reads it anew.
CREATE TABLE changes (
    topic   TEXT NOT NULL,
    subject TEXT NOT NULL,
    number  BIGINT NOT NULL,
    PRIMARY KEY (topic, subject)
);

-- What of an artifact's content does not fit into its row, in pieces from 1 on.
CREATE TABLE artifact_parts (
    artifact_id TEXT NOT NULL REFERENCES artifacts (id) ON DELETE CASCADE,
    part        INTEGER NOT NULL,
    content     BYTEA NOT NULL,
    PRIMARY KEY (artifact_id, part)
);

-- What the sweeps of retention read in order, without the traces that are empty already.
CREATE INDEX traces_with_payload ON traces (first_at, trace_id) WHERE payload_removed <> 1;
