package app

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// The whole of two servers, as far as a load balancer sees them.
func TestServersFollowTheLogOverRedisAndOneOfThemRelaysIt(t *testing.T) {
	pool := pgtest.New(t)
	office := sample.NewClinic(t, pool)
	provider, redis := office.Provider(1), redistest.NewURL(t)
	var doors []*door
	var apps []*App
	for range 2 {
		a := wire(Frame{
			Clock: clock.FrozenAt(sample.Dawn), LinkKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler),
			PublicURL: &url.URL{Scheme: "https", Host: "api.example.org"},
		}, postgres.New(pool, keytest.Of(t, pool)))
		t.Cleanup(a.Close)
		d, closeDoor, err := a.door(HTTPSettings{}, RedisSettings{URL: Secret(redis)}, a.frame.Log)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(closeDoor)
		doors, apps = append(doors, d), append(apps, a)
	}
	told := awaitReady(t, doors, func(r readiness) bool { return r.Stream.Following == "redis" })
	if told[0].Stream.Relaying == told[1].Stream.Relaying || told[0].EventLog.Entries != 0 {
		t.Errorf("they say %+v and %+v", told[0], told[1])
	}
	ear := make(offered, 10)
	if _, _, err := apps[1].hub.Join(ear, live.Interest{Organizations: []uuid.UUID{office.Organization}}); err != nil {
		t.Fatal(err)
	}
	place(t, apps[0], office.Patient(), appointment.PlaceHold{Slot: office.Slot(provider, 10, 0), Key: sample.NewID().String()})
	select {
	case e := <-ear:
		if e.Topic != "hold.placed" || e.Provider != provider.ID {
			t.Errorf("the other server was told of %+v", e)
		}
	case <-time.After(5 * time.Second):
		t.Error("the other server is told of nothing")
	}
	told = awaitReady(t, doors, func(r readiness) bool { return r.EventLog.Entries == 1 })
	if l := told[1].EventLog; l.Bytes < 8192 || l.OldestAge != 0 || told[1].Stream.Listeners != 1 {
		t.Errorf("it says %+v", told[1])
	}
}

// offered are the entries that a listener is told of.
type offered chan live.Entry

func (o offered) Offer(e live.Entry) { o <- e }
func (offered) Reset()               {}

func awaitReady(t *testing.T, doors []*door, is func(readiness) bool) (told []readiness) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, d := range doors {
		var r readiness
		for began := time.Now(); ; <-tick.C {
			recorded := httptest.NewRecorder()
			d.server.Handler.ServeHTTP(recorded, httptest.NewRequest(http.MethodGet, "/health/ready", nil))
			r = readiness{}
			if err := json.NewDecoder(recorded.Body).Decode(&r); err != nil {
				t.Fatal(err)
			}
			if recorded.Code == http.StatusOK && is(r) {
				break
			}
			if time.Since(began) > 10*time.Second {
				t.Fatalf("after 10 s it says %d %+v", recorded.Code, r)
			}
		}
		told = append(told, r)
	}
	return told
}
