package live

import (
	"context"
	"slices"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

// lounge is a ward whose numbered things are offers.
type lounge struct{ *ward }

func (lounge) MayFollow(access.Actor) error { return nil }

func (lounge) Offers(_ context.Context, _ access.Actor, refs []clinic.Ref) (map[clinic.Ref]waitlist.Offer, error) {
	return map[clinic.Ref]waitlist.Offer{refs[0]: {OrganizationID: org, ID: refs[0].ID}}, nil
}

func (l lounge) write(n int) {
	l.entries = append(l.entries, Entry{Position: l.last() + 1, Organization: org, Offer: visit(n)})
}

func (l lounge) ReadOf(_ context.Context, of Interest, after Cursor, upto int64, limit int) ([]Entry, Cursor, error) {
	l.read = append(l.read, of)
	var found []Entry
	for _, e := range l.entries {
		wanted := slices.Contains(of.Offers, e.Organization) || slices.Contains(of.OwnOffers, e.OfferRef())
		if e.Position > after.Position && e.Position <= upto && wanted && len(found) < limit {
			found = append(found, e)
		}
	}
	if after.Position = upto; len(found) == limit {
		after.Position = found[limit-1].Position
	}
	return found, after, nil
}

func (l lounge) follow(t *testing.T, who access.Actor, after *string) Stream {
	t.Helper()
	streams := Streams{Hub: l.hub, Log: l, Clock: l.clock, Waiting: l, Awaited: NewConcerns(l, l.clock)}
	s, err := streams.Offers(t.Context(), who, after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if _, ok := next(t, s).(StreamReady); !ok {
		t.Fatal("doesn't begin")
	}
	return s
}

// told are the offers told of until nothing is left.
func (lounge) told(t *testing.T, s Stream) (list []int) {
	t.Helper()
	for {
		e, err := s.(Patient).Poll(t.Context())
		switch e := e.(type) {
		case nil:
			if err != nil {
				t.Fatal(err)
			}
			return list
		case WaitlistOfferChanged:
			list = append(list, int(e.Offer.ID[14])<<8+int(e.Offer.ID[15]))
		default:
			t.Fatalf("told %+v", e)
		}
	}
}

func TestWhoComesBackForTheirOffersReadsNothingOfOthers(t *testing.T) {
	desk := access.Actor{Kind: access.Staff, Organization: org, Role: access.FrontDesk, Scopes: access.ScopesOf(access.FrontDesk)}
	for name, c := range map[string]struct {
		desk, many bool
		others     int // entries about them
		told       []int
	}{
		"a patient":              {others: mostReplayed, told: []int{3, 4}},
		"a patient of very many": {many: true, others: 1200, told: []int{3, 4}},
		"a front desk":           {desk: true, others: 1, told: []int{3, 300, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			l := lounge{newWard()}
			l.many, l.own[visit(3)], l.own[visit(4)] = c.many, true, true
			who := l.ann
			if c.desk {
				who = desk
			}
			begun := l.hub.At().String()
			l.write(3)
			for n := range c.others {
				l.write(300 + n%1200)
			}
			l.write(3)
			l.write(4)
			l.relay(l.last())
			if got := l.told(t, l.follow(t, who, &begun)); !slices.Equal(got, c.told) {
				t.Errorf("told %v, not %v", got, c.told)
			}
			for _, of := range l.read {
				if own := !c.desk && !c.many; own != (len(of.OwnOffers) == 2) || own == (len(of.Offers) == 1) {
					t.Errorf("read %+v", of)
				}
			}
		})
	}
}

func TestOffersToOthersAreNotReadForAPatient(t *testing.T) {
	l := lounge{newWard()}
	l.own[visit(3)] = true
	s := l.follow(t, l.ann, nil)
	for _, n := range []int{300, 3, 301, 3} {
		l.write(n)
	}
	l.relay(l.last())
	if got := l.told(t, s); !slices.Equal(got, []int{3}) {
		t.Errorf("of all offers %v are read", got)
	}
}

func TestMoreOffersOfOthersThanFitEndNoPatientsStream(t *testing.T) {
	l := lounge{newWard()}
	l.own[visit(3)] = true
	s := l.follow(t, l.ann, nil)
	for n := range mostPending + 1 {
		l.write(300 + n)
	}
	l.write(3)
	l.relay(l.last())
	var got []int
	for range 2 {
		got = append(got, l.told(t, s)...)
	}
	if !slices.Equal(got, []int{3}) {
		t.Errorf("told %v", got)
	}
}
