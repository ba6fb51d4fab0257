-- +goose Up
-- rollback: safe
-- Time off and extra hours that return every so many weeks.
--
-- Each time is an exception of its own, with its own wall clock, so that whatever reads exceptions counts it: openings, streams, caps, the
-- program before this one. What is here says only which of them were added as one. The program before takes one time back where this one would
-- take back several, and that is all; the way back leaves each as it stands.

ALTER TABLE schedule_exceptions
    ADD COLUMN repeat_id    uuid,    -- of all that were added as one: the id of the first, which may be gone
    ADD COLUMN repeat_weeks integer, -- from one to the next
    ADD COLUMN repeat_until date;    -- inclusive; none begins after it
ALTER TABLE schedule_exceptions
    ADD CONSTRAINT schedule_exceptions_repeat CHECK (num_nulls(repeat_id, repeat_weeks, repeat_until) IN (0, 3) AND repeat_weeks BETWEEN 1 AND 52) NOT VALID;
ALTER TABLE schedule_exceptions VALIDATE CONSTRAINT schedule_exceptions_repeat;
CREATE INDEX schedule_exceptions_by_repeat ON schedule_exceptions (organization_id, repeat_id, local_from) WHERE repeat_id IS NOT NULL;

-- +goose Down
DROP INDEX schedule_exceptions_by_repeat;
ALTER TABLE schedule_exceptions DROP CONSTRAINT schedule_exceptions_repeat, DROP COLUMN repeat_id, DROP COLUMN repeat_weeks, DROP COLUMN repeat_until;
