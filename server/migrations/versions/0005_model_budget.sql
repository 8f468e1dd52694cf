-- What the configured model used on each of the company's days, counted call by call while a daily budget is set.
CREATE TABLE model_day (
    day date NOT NULL,
    model_id text NOT NULL,
    calls bigint NOT NULL CHECK (calls >= 0),
    tokens bigint NOT NULL CHECK (tokens >= 0),
    PRIMARY KEY (day, model_id)
);
