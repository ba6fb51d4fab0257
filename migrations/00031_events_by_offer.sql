-- +goose Up
-- rollback: safe
-- A patient who comes back to a stream is told from the entries about the offers that they had: few of very many.
CREATE INDEX event_log_by_offer ON event_log (organization_id, offer_id, position) WHERE offer_id IS NOT NULL;

-- +goose Down
DROP INDEX event_log_by_offer;
