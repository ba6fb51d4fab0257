package bench_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/patient"
)

// guarded is one appointment book in two databases: as the migrations leave it, and with row-level security switched off. Roles
// and grants are the same, and so are the files that both begin with.
type guarded struct {
	*care
	openURL   string
	kindOf    clinic.Ref
	refs      []clinic.Ref // providers who offer the kind
	visitors  []uuid.UUID  // patients
	names     []patient.Handle
	vacancies []vacancy
}

// vacancy is a time that can be booked, and who comes.
type vacancy struct {
	slot    availability.SlotID
	patient uuid.UUID
}

const switchOff = `DO $$ DECLARE t text; BEGIN
	FOR t IN SELECT relname FROM pg_class WHERE relrowsecurity LOOP
		EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', t);
	END LOOP;
	ASSERT NOT EXISTS (SELECT FROM pg_class WHERE relrowsecurity OR relforcerowsecurity);
END $$`

// newGuarded has at least so many openings to book.
func newGuarded(t testing.TB, s size, bookings int) *guarded {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	g := &guarded{care: &care{Rig: newRig(t), size: s, now: time.Now().UTC().Truncate(time.Second)}}
	for _, statement := range still {
		if err := g.Admin(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.build(ctx, t, bookings); err != nil {
		t.Fatal(err)
	}
	return g
}

// No statistics are made anew in one of the databases and not yet in the other.
var still = []string{"ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"}

func (g *guarded) build(ctx context.Context, t testing.TB, bookings int) (err error) {
	if g.url, err = g.NewDatabase(ctx); err != nil {
		return err
	}
	if err := errors.Join(g.load(ctx), g.know(ctx), g.meet(ctx)); err != nil {
		return err
	}
	if g.openURL, err = g.Clone(ctx, g.url); err != nil {
		return err
	}
	conn, err := (&care{Rig: g.Rig, url: g.openURL}).admin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err = conn.Exec(ctx, switchOff); err != nil {
		return err
	}
	g.vacancies, err = g.look(ctx, newHouse(t, g.openURL, g.Keys), bookings)
	return err
}

const (
	manyPatients = `SELECT id FROM patients ORDER BY id LIMIT 2000`
	beginnings   = 300
)

// meet finds out who there is.
func (g *guarded) meet(ctx context.Context) error {
	g.kindOf = refOf(g.kind)
	for _, id := range g.offering {
		g.refs = append(g.refs, refOf(id))
	}
	for _, word := range g.words { // of providers' names, who are called as patients are
		for _, h := range (patient.Patient{FamilyName: access.Private(word)}).Handles() {
			if h.Purpose == "name" && len(h.Value) >= 3 && len(g.names) < beginnings {
				g.names = append(g.names, h)
			}
		}
	}
	conn, err := g.admin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	g.visitors, err = listed(ctx, conn, manyPatients, pgx.RowTo[uuid.UUID])
	return err
}

// look finds so many openings a week or more from now, with one provider after the other.
func (g *guarded) look(ctx context.Context, h *house, n int) (found []vacancy, err error) {
	for week := 1; len(found) < n && week < 8; week++ {
		for _, p := range g.refs {
			page, err := h.rules.Slots(ctx, access.Nobody("bench"), availability.Listing{
				Provider: p, VisitKind: g.kindOf.ID, From: g.now.AddDate(0, 0, 7*week), To: g.now.AddDate(0, 0, 7*week+7),
			}, paging.Window{Size: 1})
			if err != nil {
				return nil, err
			}
			for _, s := range page.Items {
				found = append(found, vacancy{s.SlotID, g.visitors[len(found)%len(g.visitors)]})
			}
		}
	}
	if len(found) < n {
		err = fmt.Errorf("%d openings, not %d", len(found), n)
	}
	return found, err
}

func refOf(id string) clinic.Ref {
	parsed, _ := globalid.Parse(id) // made here
	return parsed.Ref
}
