-- Why no episode could be read or stored when the trace was read last; NULL when one was, or none is in it.
ALTER TABLE traces ADD COLUMN failure TEXT;
CREATE INDEX traces_failed ON traces (last_at, trace_id) WHERE failure IS NOT NULL;

-- How many writes brought spans of it: whoever kept the spans of as many need not read them back.
ALTER TABLE traces ADD COLUMN writes BIGINT NOT NULL DEFAULT 0;
