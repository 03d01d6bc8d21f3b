-- What calls of models cost, for each key and calendar month (UTC), in units of 1e-9 of the currency of the prices.
CREATE TABLE spend (
    who    TEXT NOT NULL,
    month  TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (who, month)
);
