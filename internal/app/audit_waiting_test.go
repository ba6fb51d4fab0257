package app

import (
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// waiting has Ann wait for an earlier time than her visit's, and one be offered to her.
func waiting(f *file) vars {
	f.t.Helper()
	f.app.waitlist.Flag = func(uuid.UUID, access.Actor) access.Feature {
		return access.Feature{Key: waitlist.FeatureKey, Enabled: true}
	}
	joined := f.by(f.ann).Post(f.t, `mutation($input: JoinWaitlistInput!) { joinWaitlist(input: $input) { entry { id } } }`,
		vars{"input": vars{"currentAppointmentId": f.visit, "wanted": vars{}, "minimumNotice": "PT15M", "idempotencyKey": "w"}}).OK(f.t)
	entry := joined.Text("joinWaitlist", "entry", "id")
	f.name(entry, "entry")
	for must(f.app.waitlist.Match(f.t.Context(), 10))(f.t) > 0 { // a time is kept, and then offered
	}
	var id uuid.UUID
	if err := f.pool.QueryRow(f.t.Context(), `SELECT id FROM waitlist_offers WHERE state = 'OPEN'`).Scan(&id); err != nil {
		f.t.Fatalf("%s: %v", joined.Raw, err)
	}
	offer := globalid.Of(globalid.WaitlistOffer, clinic.Ref{Organization: f.clinic.Organization, ID: id})
	f.name(offer, "offer")
	f.mark()
	return vars{"entry": entry, "offer": offer}
}

// accepted is the answer to an offer that Ann takes.
func accepted(f *file) vars {
	return vars{"offerId": waiting(f)["offer"], "accept": true, "idempotencyKey": "a"}
}

// displaced closes the day of the visit, and has those who had visits then be rebooked.
func displaced(f *file) vars {
	made := f.admin.Post(f.t, `mutation($input: ClosePeriodInput!) { closePeriod(input: $input) { closure { id } } }`, vars{"input": vars{
		"scope": vars{"providerId": f.ids["provider"]}, "from": "2026-06-08T00:00", "to": "2026-06-09T00:00", "rebook": vars{"mode": "BOOK"}, "idempotencyKey": "p"}}).OK(f.t)
	for must(f.app.closure.Rebook(f.t.Context(), 10))(f.t) > 0 { // it is gone through visit by visit
	}
	return vars{"closure": made.Text("closePeriod", "closure", "id")}
}
