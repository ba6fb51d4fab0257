package crowd_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
)

var (
	ann  = crowd.Of(viewer.Viewer{Actor: access.Actor{Kind: access.Patient, Organization: uuid.UUID{1}, ID: uuid.UUID{2}}, Address: "192.0.2.1"})
	bob  = crowd.Of(viewer.Viewer{Actor: access.Actor{Kind: access.Patient, Organization: uuid.UUID{1}, ID: uuid.UUID{3}}, Address: "192.0.2.1"})
	desk = crowd.Of(viewer.Viewer{Actor: access.Nobody(""), Address: "192.0.2.1"})
)

func enter(t *testing.T, c *crowd.Crowd, who crowd.Client) *crowd.Place {
	t.Helper()
	p, err := c.Enter(who)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAClientHasSoManyPlacesAndNobodyElseIsShutOut(t *testing.T) {
	c := crowd.New(crowd.Limits{Total: 100, Client: 2, Address: 3})
	enter(t, c, ann)
	second := enter(t, c, ann)
	if _, err := c.Enter(ann); !errors.Is(err, crowd.ErrTooMany) {
		t.Errorf("a third place: %v", err)
	}
	for _, other := range []crowd.Client{bob, bob, desk, desk, desk} {
		enter(t, c, other)
	}
	if _, err := c.Enter(desk); !errors.Is(err, crowd.ErrTooMany) {
		t.Errorf("a fourth place of an address: %v", err)
	}
	second.Leave()
	second.Leave()
	enter(t, c, ann)
	if got := c.Count(); got.Inside != 7 || got.Refused != 2 {
		t.Errorf("counted %+v", got)
	}
}

func TestAProcessHasSoManyPlaces(t *testing.T) {
	c := crowd.New(crowd.Limits{Total: 2, Client: 2, Address: 2})
	enter(t, c, ann)
	place := enter(t, c, bob)
	if _, err := c.Enter(desk); !errors.Is(err, crowd.ErrFull) {
		t.Errorf("beyond what the process holds: %v", err)
	}
	place.Leave()
	enter(t, c, desk)
}

func TestAStrangerIsCountedForWhoTheySayTheyAre(t *testing.T) {
	c := crowd.New(crowd.Limits{Total: 100, Client: 1, Address: 2})
	first, err := c.Arrive("192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.Arrive("192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Arrive("192.0.2.1"); !errors.Is(err, crowd.ErrTooMany) {
		t.Errorf("a third stranger: %v", err)
	}
	if err := first.As(ann); err != nil {
		t.Error(err)
	}
	if err := second.As(ann); !errors.Is(err, crowd.ErrTooMany) {
		t.Errorf("a second place: %v", err)
	}
	second.Leave()
	first.Leave()
	enter(t, c, ann)
	for range 2 {
		if _, err := c.Arrive("192.0.2.1"); err != nil {
			t.Errorf("nobody waits any more, but: %v", err)
		}
	}
}

func TestEverybodyIsToldToGoOneAfterTheOther(t *testing.T) {
	const many = 20
	c := crowd.New(crowd.Limits{Total: many, Client: many, Address: many})
	places := make([]*crowd.Place, many)
	for i := range places {
		places[i] = enter(t, c, ann)
	}
	drained := make(chan error, 1)
	go func() { drained <- c.Drain(t.Context(), time.Hour) }()
	told := 0
	for _, p := range places {
		<-p.Told()
		p.Leave()
		told++
		if _, err := c.Enter(bob); !errors.Is(err, crowd.ErrLeaving) {
			t.Errorf("who comes while everybody goes: %v", err)
		}
	}
	if err := <-drained; err != nil || told != many {
		t.Errorf("%d of %d were told, %v", told, many, err)
	}
}

func TestWhoDoesNotGoIsNotWaitedForForEver(t *testing.T) {
	c := crowd.New(crowd.Default())
	stays := enter(t, c, ann)
	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan error, 1)
	go func() { drained <- c.Drain(ctx, time.Hour) }()
	<-stays.Told()
	cancel()
	if err := <-drained; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
