-- +goose Up
-- rollback: safe
-- Limits of what patients are sent. Each message counts once, with its first claim: towards what is sent to its number or address, which is
-- counted under the organisation zero, for all organisations, and of texts towards what its organisation sends in a day, in all and to the
-- number's country.
ALTER TABLE message_counts DROP CONSTRAINT message_counts_channel_check, ADD CONSTRAINT message_counts_channel_check CHECK (channel IN ('EMAIL', 'SMS'));
CREATE POLICY delivering ON message_counts TO mediconnect_courier USING (true);
GRANT SELECT, INSERT, UPDATE (messages) ON message_counts TO mediconnect_courier;

-- +goose StatementBegin
-- Counts messages of a batch and answers the places of those that are over a limit: they count nowhere. Who has the more room goes first.
-- Its lists are joined by hashing, which the courier's other statements do without. Whoever counts has the messages' rows by then, and the counters in order, so that nobody waits in a circle.
-- p: [{place, organization, channel, counted, subject, country, span, startsAt, most}], one for each limit; places: of those that count.
CREATE FUNCTION count_messages(p jsonb, places bigint[]) RETURNS bigint[] LANGUAGE plpgsql SET enable_hashjoin = on AS $$
DECLARE
    excess bigint[];
BEGIN
    WITH wanted AS MATERIALIZED (
        SELECT place, organization, channel, counted, decode(subject, 'base64') AS subject, country, span, "startsAt" AS starts_at, most
        FROM jsonb_to_recordset(p) w(place bigint, organization uuid, channel text, counted text, subject text, country text, span text, "startsAt" timestamptz, most integer)
        WHERE place = ANY (places)
    ), ranked AS MATERIALIZED (
        SELECT w.*, row_number() OVER (PARTITION BY organization, channel, counted, subject, country, span, starts_at ORDER BY most DESC, place) AS nth,
            count(*) OVER (PARTITION BY organization, channel, counted, subject, country, span, starts_at) AS more
        FROM wanted w
    ), kept AS (
        INSERT INTO message_counts AS m (organization_id, channel, counted, subject, country, span, starts_at, messages)
        SELECT organization, channel, counted, subject, country, span, starts_at, more FROM ranked WHERE nth = 1 ORDER BY 1, 2, 3, 4, 5, 6, 7
        ON CONFLICT (organization_id, channel, counted, subject, country, span, starts_at) DO UPDATE SET messages = m.messages + EXCLUDED.messages
        RETURNING m.organization_id, m.channel, m.counted, m.subject, m.country, m.span, m.starts_at, m.messages
    )
    SELECT array_agg(DISTINCT r.place) INTO excess FROM ranked r JOIN kept n ON n.organization_id = r.organization AND n.channel = r.channel AND n.counted = r.counted
        AND n.subject = r.subject AND n.country = r.country AND n.span = r.span AND n.starts_at = r.starts_at
    WHERE n.messages - r.more + r.nth > r.most;
    IF excess IS NULL THEN
        RETURN '{}';
    END IF;
    UPDATE message_counts m SET messages = m.messages - back.messages FROM (
        SELECT organization, channel, counted, decode(subject, 'base64') AS subject, country, span, "startsAt" AS starts_at, count(*) AS messages
        FROM jsonb_to_recordset(p) w(place bigint, organization uuid, channel text, counted text, subject text, country text, span text, "startsAt" timestamptz)
        WHERE place = ANY (excess) GROUP BY 1, 2, 3, 4, 5, 6, 7) back
    WHERE m.organization_id = back.organization AND m.channel = back.channel AND m.counted = back.counted AND m.subject = back.subject AND m.country = back.country
        AND m.span = back.span AND m.starts_at = back.starts_at;
    RETURN excess;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION count_messages;
REVOKE ALL ON message_counts FROM mediconnect_courier;
DROP POLICY delivering ON message_counts;
DELETE FROM message_counts WHERE channel <> 'EMAIL';
ALTER TABLE message_counts DROP CONSTRAINT message_counts_channel_check, ADD CONSTRAINT message_counts_channel_check CHECK (channel IN ('EMAIL'));
