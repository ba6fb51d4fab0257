package app

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// useKeys has an account use so many keys, at a time.
func (a *api) useKeys(t *testing.T, who access.Actor, keys int, at time.Time) {
	t.Helper()
	if _, err := a.pool.Exec(t.Context(), `
		INSERT INTO idempotency_keys (organization_id, client, actor_id, key, operation, input_hash, result, created_at)
		SELECT $1, $2, $3, encode(sha256((n || $5::timestamptz::text)::bytea), 'hex'), 'holdSlot', '', '{}', $5::timestamptz FROM generate_series(1, $4) n`,
		who.Organization, who.Client, who.ID, keys, at); err != nil {
		t.Fatal(err)
	}
	if _, err := a.pool.Exec(t.Context(), `VACUUM ANALYZE idempotency_keys`); err != nil {
		t.Fatal(err)
	}
}

// Far more than there may be, as if from before there was a bound. make prove has a million.
var manyKeys = flag.Int("keys", 50_000, "keys of one account")

func TestManyKeysOfAnAccountStopNobodyElse(t *testing.T) {
	a := newAPI(t)
	of, ada := a.clinic.Provider(1), a.clinic.Patient()
	at := a.clock.Now()
	a.useKeys(t, ada, *manyKeys, at)
	hold := func(who access.Actor, hour int) gqltest.Answer {
		return a.by(who).Post(t, document("holdSlot", limitParts), vars{"input": vars{"slotId": globalid.OfSlot(a.clinic.Slot(of, hour, 0)), "idempotencyKey": sample.NewID().String()}})
	}
	before := time.Now()
	wantLimit(t, hold(ada, 9), "holdSlot", "IDEMPOTENCY_KEYS", "input idempotencyKey", clinic.MaxKeys, clinic.MaxKeys, at.Add(24*time.Hour))
	if took := time.Since(before); took > 2*time.Second {
		t.Errorf("it takes %s to refuse", took)
	}
	another := ada
	another.Client = "another app"
	for name, who := range map[string]access.Actor{"another patient": a.clinic.Patient(), "another app": another, "the front desk": a.clinic.FrontDesk()} {
		if answer := hold(who, 10); strings.Contains(string(answer.OK(t).Raw), "IDEMPOTENCY_KEYS") {
			t.Errorf("%s: %s", name, answer.Raw)
		}
	}

	a.clock.Set(at.Add(24*time.Hour - time.Second))
	if answer := hold(ada, 9); answer.Text("holdSlot", "errors", 0, "code") != "LIMIT_REACHED" {
		t.Errorf("a moment before they are forgotten: %s", answer.Raw)
	}
	a.clock.Set(at.Add(24 * time.Hour))
	if answer := hold(ada, 9); strings.Contains(string(answer.Raw), "LIMIT_REACHED") {
		t.Errorf("when they are forgotten: %s", answer.Raw)
	}
	if err := a.app.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	var kept int
	if err := a.pool.QueryRow(t.Context(), `SELECT count(*) FROM idempotency_keys WHERE created_at <= $1`, at).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d are kept that are forgotten, %v", kept, err)
	}
}

// The bound is never exceeded, nine tenths of it are always there, and what was done is answered at it, too.
func TestAnAccountHasSoManyKeysAndNotMuchLess(t *testing.T) {
	a := newAPI(t)
	of, desk := a.clinic.Provider(1), a.clinic.FrontDesk()
	place := func(key string, who gqltest.Client) gqltest.Answer {
		return who.Post(t, document("holdSlot", limitParts), vars{"input": vars{"slotId": globalid.OfSlot(a.clinic.Slot(of, 9, 0)), "idempotencyKey": key}})
	}
	first := sample.NewID().String()
	if answer := place(first, a.by(desk)); strings.Contains(string(answer.OK(t).Raw), "code") {
		t.Fatalf("%s", answer.Raw)
	}
	refused := func() (n int) {
		for range 32 {
			answer := a.by(desk).Post(t, document("holdSlot", limitParts), vars{"input": vars{
				"slotId": globalid.OfSlot(a.clinic.Slot(of, 9, 0)), "idempotencyKey": sample.NewID().String(),
			}}).OK(t)
			if answer.Text("holdSlot", "errors", 0, "code") == "LIMIT_REACHED" {
				n++
			}
		}
		return n
	}
	a.useKeys(t, desk, clinic.MaxKeys*8/10, a.clock.Now())
	if n := refused(); n != 0 {
		t.Errorf("%d of 32 are refused at eight tenths", n)
	}
	a.useKeys(t, desk, clinic.MaxKeys/2, a.clock.Now().Add(time.Second))
	if n := refused(); n != 32 {
		t.Errorf("%d of 32 are refused above the bound", n)
	}
	if again := place(first, a.by(desk)); strings.Contains(string(again.OK(t).Raw), "code") {
		t.Errorf("what was done is answered with %s", again.Raw)
	}
}

func TestWrongCodesAreForgottenAnHourAfterTheLast(t *testing.T) {
	a := newAPI(t)
	mother := access.Actor{Kind: access.Patient, ID: sample.NewID(), Client: "test", Organization: a.clinic.Organization, Role: access.Caregiver, Scopes: access.ScopesOf(access.Caregiver)}
	if answer := a.by(mother).Post(t, `mutation { acceptPatientInvitation(input: {code: "ABCDE12345", birthDate: "2001-02-03"}) { errors { ... on UserError { code } } } }`, nil); answer.Text("acceptPatientInvitation", "errors", 0, "code") != "NOT_FOUND" {
		t.Fatalf("%s", answer.Raw)
	}
	var kept []int
	for _, wait := range []time.Duration{time.Hour - time.Second, time.Second} {
		a.clock.Advance(wait)
		if err := a.app.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := a.pool.QueryRow(t.Context(), `SELECT count(*) FROM invitation_tries`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, n)
	}
	if !slices.Equal(kept, []int{1, 0}) {
		t.Errorf("before an hour and after it, %v are kept", kept)
	}
}

// What was asked for can't be guessed from what is kept of it.
func TestWhatIsKeptOfAKeyFollowsFromTheOrganisationsSecret(t *testing.T) {
	a := newAPI(t)
	other := sample.NewClinic(t, a.pool)
	for _, c := range []*sample.Clinic{a.clinic, other} {
		doctor := c.FrontDesk()
		doctor.ID, doctor.Role, doctor.Scopes = sample.NewID(), access.Admin, access.ScopesOf(access.Admin)
		answer := a.by(doctor).Post(t, document("addScheduleException", limitParts), vars{"input": vars{
			"from": "2026-06-08T09:00", "to": "2026-06-08T10:00", "effect": "CLOSED", "idempotencyKey": "the same", "locationId": a.id(globalid.Location, clinic.Ref{Organization: c.Organization, ID: c.Location}),
		}}).OK(t)
		if strings.Contains(string(answer.Raw), "code") {
			t.Fatalf("%s", answer.Raw)
		}
	}
	var keys, plain, length int
	if err := a.pool.QueryRow(t.Context(), `SELECT count(DISTINCT key), count(*) FILTER (WHERE key = encode(sha256('the same'), 'hex')), max(length(key) + length(input_hash)) FROM idempotency_keys`).Scan(&keys, &plain, &length); err != nil {
		t.Fatal(err)
	}
	if keys != 2 || plain != 0 || length != 64+32 {
		t.Errorf("%d keys are kept, %d as anybody's digests, of %d", keys, plain, length)
	}
}
