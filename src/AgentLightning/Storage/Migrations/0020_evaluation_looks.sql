-- How often the held-out rows of a data set were looked at: each look spends a part of the error that the gate allows itself.
CREATE TABLE evaluation_looks (
    dataset_id TEXT PRIMARY KEY REFERENCES datasets (id) ON DELETE CASCADE,
    looks      BIGINT NOT NULL
);
INSERT INTO evaluation_looks (dataset_id, looks) SELECT dataset_id, COUNT(*) FROM evaluations GROUP BY dataset_id;

-- The verdict in a word, beside the report: passed, worse, too_small.
ALTER TABLE evaluations ADD COLUMN verdict TEXT;
UPDATE evaluations SET verdict = CASE WHEN passed = 1 THEN 'passed' ELSE 'worse' END;
