-- What the last reading of a trace added to trace_counts, as JSON, so that the next takes it off again.
ALTER TABLE traces ADD COLUMN diagnosis TEXT;
