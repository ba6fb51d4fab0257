package postgres_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/patient/patienttest"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestInvitationsGoADayAfterTheyExpireAndLinksStay(t *testing.T) {
	pool := pgtest.New(t)
	db := postgres.New(pool, keytest.Of(t, pool))
	w := patienttest.NewWorld(t, db.Directory())
	invitations := patient.NewInvitations(db.Directory(), w.Source, rand.Reader)
	ann := clinic.Ref{Organization: w.Organization, ID: w.Register(t, patienttest.Ann()).ID}
	code := func(key string) access.Private {
		made, err := invitations.Invite(t.Context(), w.FrontDesk, patient.Invite{Patient: ann, Relation: access.RelationSelf, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return *made.Code
	}
	me := clinictest.Actor(access.PatientRole, w.Organization)
	if _, err := invitations.Accept(t.Context(), me, patient.Accept{Code: code("a"), BirthDate: *patienttest.Ann().BirthDate}); err != nil {
		t.Fatal(err)
	}
	code("b")
	appointments := postgres.NewAppointmentStore(db)
	for _, step := range []struct {
		after time.Duration
		left  int
	}{{patient.InvitationLife + clinic.KeyLife - time.Microsecond, 2}, {time.Microsecond, 0}} {
		w.Clock.Advance(step.after)
		if _, err := appointments.Tidy(t.Context(), w.Clock.Now(), 100); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM patient_invitations`).Scan(&left); err != nil || left != step.left {
			t.Errorf("%d invitations, want %d (%v)", left, step.left, err)
		}
	}
	if links, err := db.Directory().Links(t.Context(), w.Organization, me.ID); err != nil || len(links) != 1 || links[0] != (access.Link{Patient: ann.ID, Relation: access.RelationSelf}) {
		t.Errorf("%v, %v", links, err)
	}
	if links, err := db.Directory().Links(t.Context(), w.NewOrganization(t), me.ID); err != nil || len(links) != 0 {
		t.Errorf("in another organisation: %v, %v", links, err)
	}
}

func TestAnAccountActsForTwentyPatientsAtMost(t *testing.T) {
	db := onFresh(t)
	w := patienttest.NewWorld(t, db.Directory())
	invitations := patient.NewInvitations(db.Directory(), w.Source, rand.Reader)
	me := clinictest.Actor(access.Caregiver, w.Organization)
	for n := range access.MaxLinks + 1 {
		in := patienttest.Ann()
		in.Identifier.Value = strings.Repeat("I", n+1)
		child := clinic.Ref{Organization: w.Organization, ID: w.Register(t, in).ID}
		made, err := invitations.Invite(t.Context(), w.FrontDesk, patient.Invite{Patient: child, Relation: access.RelationCaregiver, Key: in.Identifier.Value})
		if err != nil {
			t.Fatal(err)
		}
		_, err = invitations.Accept(t.Context(), me, patient.Accept{Code: *made.Code, BirthDate: *in.BirthDate})
		if full := errs.Of(err) == errs.Forbidden; full != (n == access.MaxLinks) || err != nil && !full {
			t.Fatalf("link %d: %v", n+1, err)
		}
	}
	if links, err := db.Directory().Links(t.Context(), w.Organization, me.ID); err != nil || len(links) != access.MaxLinks {
		t.Errorf("%d links, %v", len(links), err)
	}
}
