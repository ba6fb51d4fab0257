package postgres_test

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// act leaves a link, an invitation that is open, and a break-glass grant.
func (w *twins) act() {
	db := postgres.New(w.pool, keytest.Of(w.t, w.pool)).Directory()
	source := clinic.Source{Clock: w.clock, NewID: sample.NewID}
	invitations := patient.NewInvitations(db, source, rand.Reader)
	invite := func(relation access.Relation) access.Private {
		made, err := invitations.Invite(w.t.Context(), w.caller, patient.Invite{Patient: w.patient, Relation: relation, Key: key()})
		if err != nil {
			w.t.Fatal(err)
		}
		return *made.Code
	}
	invite(access.RelationCaregiver)
	w.account = w.Patient()
	w.account.PatientID = uuid.Nil
	_, err := invitations.Accept(w.t.Context(), w.account, patient.Accept{Code: invite(access.RelationSelf), BirthDate: *registration(0).BirthDate})
	if err != nil {
		w.t.Fatal(err)
	}
	doctor := w.caller
	doctor.Role, doctor.Scopes = access.Provider, access.ScopesOf(access.Provider)
	broken, err := breakglass.NewService(db, source).Break(w.t.Context(), doctor, breakglass.Break{
		Patient: &w.patient, Reason: "Unconscious on arrival", Minutes: 60, Key: key(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.grant = broken.Grant.Ref()
}

// acting are what stores read of a tenant's links and grants.
func (w *twins) acting(db *postgres.DB) map[string]string {
	d := db.Directory()
	filter := breakglass.Filter{Organization: w.Organization}
	found := map[string]string{}
	for name, read := range map[string]func(context.Context) (any, error){
		"treated": func(ctx context.Context) (any, error) {
			return d.Treated(ctx, w.Organization, w.provider.ID, []uuid.UUID{w.patient.ID})
		},
		"a linked account's appointments": func(ctx context.Context) (any, error) {
			return postgres.NewAppointmentStore(db).Concerning(ctx, w.account, 10)
		},
		"offers to a linked account's": func(ctx context.Context) (any, error) {
			return postgres.NewWaitlistStore(db).Concerning(ctx, w.account, 10)
		},
		"linked accounts": func(ctx context.Context) (any, error) { return d.LinkedAccounts(ctx, []clinic.Ref{w.patient}) },
		"grants":          func(ctx context.Context) (any, error) { return d.Grants(ctx, []clinic.Ref{w.grant}) },
		"open grants": func(ctx context.Context) (any, error) {
			return d.OpenGrants(ctx, w.Organization, w.caller.ID, sample.Dawn)
		},
		"listed grants":   func(ctx context.Context) (any, error) { return d.ListGrants(ctx, filter, everything) },
		"how many grants": func(ctx context.Context) (any, error) { return d.CountGrants(ctx, filter) },
	} {
		answer, err := read(w.t.Context())
		found[name] = text(answer) + " " + fmt.Sprint(err)
	}
	return found
}
