-- +goose Up
-- rollback: safe
-- What came of texts that people sent back: each counts once. Those that no message is known of are of no organisation.
CREATE TABLE message_replies (
    organization_id uuid NOT NULL,
    vendor_id       text NOT NULL, -- what the vendor calls the text
    message_id      uuid, -- that was answered
    at              timestamptz NOT NULL,
    effect          text NOT NULL CHECK (effect IN ('ASKED_TO_CANCEL', 'ASKED_TO_RESCHEDULE', 'CANCELLED', 'CONFIRMED', 'HELP', 'NOT_CONFIRMED', 'NOT_UNDERSTOOD',
        'NO_VISIT', 'RESUMED', 'STOPPED', 'VISIT_MOVED', 'WHICH_VISIT')),
    PRIMARY KEY (organization_id, vendor_id),
    FOREIGN KEY (organization_id, message_id) REFERENCES messages ON DELETE CASCADE
);
CREATE INDEX message_replies_by_vendor ON message_replies (vendor_id);
CREATE INDEX message_replies_of_message ON message_replies (organization_id, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX message_replies_of_none ON message_replies (at) WHERE message_id IS NULL;

ALTER TABLE message_replies ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON message_replies TO mediconnect_app USING (organization_id = (SELECT current_organization()));
CREATE POLICY delivering ON message_replies TO mediconnect_courier USING (true);
CREATE POLICY sweeping ON message_replies TO mediconnect_sweeper USING (true);
GRANT SELECT, INSERT ON message_replies TO mediconnect_courier;
GRANT SELECT ON message_replies TO mediconnect_app;
GRANT SELECT (organization_id, vendor_id, message_id, at), DELETE ON message_replies TO mediconnect_sweeper;

-- A text is answered by whom it came from, whatever the organisation: the courier finds their messages by the digest of the number, which it
-- wrote there, and notes what they answered.
GRANT SELECT (recipient_token, response, responded_at), UPDATE (response, responded_at) ON messages TO mediconnect_courier;
GRANT SELECT, INSERT, DELETE ON opt_outs TO mediconnect_courier;

-- +goose Down
REVOKE SELECT (recipient_token, response, responded_at), UPDATE (response, responded_at) ON messages FROM mediconnect_courier;
REVOKE ALL ON opt_outs FROM mediconnect_courier;
DROP TABLE message_replies;
