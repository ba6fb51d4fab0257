package postgres_test

import (
	"bytes"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic/clinictest"
	"github.com/mediconnect/mediconnect/internal/patient/patienttest"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestPatientStore(t *testing.T) {
	patienttest.Contract(t, func(t *testing.T) patienttest.Stores { return onFresh(t).Directory() })
}

func TestARegistrationThatChangesNothingWritesNothing(t *testing.T) {
	pool := pgtest.New(t)
	w := patienttest.NewWorld(t, postgres.New(pool, keytest.Of(t, pool)).Directory())
	in := patienttest.Ann()
	register := func() error {
		_, err := w.Service.Register(t.Context(), w.FrontDesk, in)
		return err
	}
	leaves(t, pool, traces{Audits: 1}, register)
	leaves(t, pool, traces{}, register)
	in.Phone = nil
	leaves(t, pool, traces{Audits: 1}, func() error {
		return clinictest.AtOnce(8, func(int) error { return register() })
	})
}

// Tokens are digests, and the same patient has others in another organisation, so that two clinics can't be compared.
func TestTokensTellNothingByThemselves(t *testing.T) {
	pool := pgtest.New(t)
	w := patienttest.NewWorld(t, postgres.New(pool, keytest.Of(t, pool)).Directory())
	w.Register(t, patienttest.Ann())
	in := patienttest.Ann()
	in.Organization = w.NewOrganization(t)
	if _, err := w.Service.Register(t.Context(), clinictest.Actor(access.Admin, in.Organization), in); err != nil {
		t.Fatal(err)
	}
	var all, different int
	var lengths []byte
	err := pool.QueryRow(t.Context(), `SELECT count(*), count(DISTINCT token), string_agg(DISTINCT set_byte('\x00', 0, length(token)), '')
		FROM patient_tokens`).Scan(&all, &different, &lengths)
	if err != nil || all == 0 || all != different || !bytes.Equal(lengths, []byte{32}) {
		t.Errorf("%d tokens, %d different, of lengths %v (%v)", all, different, lengths, err)
	}
	var readable int
	err = pool.QueryRow(t.Context(), `SELECT count(*) FROM patient_tokens WHERE position('\x616e6e'::bytea IN token) > 0`).Scan(&readable)
	if err != nil || readable != 0 {
		t.Errorf("%d tokens hold the name (%v)", readable, err)
	}
}
