-- +goose Up
-- rollback: safe
-- Who invites must still be who may when the invitation is taken; and what somebody proved first decides which tries are forgotten once they
-- have proved the rest.
ALTER TABLE account_notes
    ADD invited_by uuid, -- an account: of the organisation, or of the platform for a first administrator; null: of nobody who signs in here
    ADD first boolean NOT NULL DEFAULT false, -- the platform's invitation to an organisation without administrators
    ADD CHECK (kind = 'INVITE' OR (invited_by IS NULL AND NOT first)),
    ADD CHECK (role = 'ADMIN' OR NOT first);
ALTER TABLE sign_in_challenges ADD by_password boolean NOT NULL DEFAULT false; -- it was asked of who gave the right password; false: whom a provider knows

-- +goose Down
ALTER TABLE sign_in_challenges DROP by_password;
ALTER TABLE account_notes DROP first, DROP invited_by;
