-- +goose Up

-- When one of the founding document's review criteria was crossed, and when it was back. Owner: services/review.
CREATE TABLE review_lines (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL,
    criterion text NOT NULL,
    crossed   boolean NOT NULL,                   -- false: back
    value     double precision NOT NULL,          -- seconds, logins at once, or a share of the cores; of one that is back the worst
    CONSTRAINT review_lines_criterion_known CHECK (criterion IN ('pages', 'logins', 'cpu', 'slow_login'))
);
CREATE INDEX review_lines_newest ON review_lines (criterion, id DESC);

-- +goose Down
DROP TABLE review_lines;
