package resolvers_test

import (
	"context"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/identity"
)

// mailingRoom is of accounts that come by mails.
type mailingRoom struct{ *rooms }

func (r mailingRoom) SignUp(_ context.Context, _ access.Actor, in identity.SignUp) (struct{}, error) {
	r.note("SignUp", in)
	return struct{}{}, r.fail
}

func (r mailingRoom) Verify(_ context.Context, _ access.Actor, in identity.Redeem) (identity.Entered, error) {
	r.note("Verify", in)
	return identity.Entered{Tokens: &identity.Tokens{Access: "an-access-token", Refresh: "a-refresh-token", SessionID: id(9)}}, r.fail
}

func (r mailingRoom) RequestReset(_ context.Context, _ access.Actor, in identity.RequestReset) (struct{}, error) {
	r.note("RequestReset", in)
	return struct{}{}, r.fail
}

func (r mailingRoom) Reset(_ context.Context, _ access.Actor, in identity.Reset) (struct{}, error) {
	r.note("Reset", in)
	return struct{}{}, r.fail
}

func (r mailingRoom) Invite(_ context.Context, _ access.Actor, in identity.InviteAccount) (struct{}, error) {
	r.note("InviteAccount", in)
	return struct{}{}, r.fail
}

func (r mailingRoom) AcceptInvitation(_ context.Context, _ access.Actor, in identity.Redeem) (identity.Entered, error) {
	r.note("AcceptInvitation", in)
	return identity.Entered{}, r.fail
}
