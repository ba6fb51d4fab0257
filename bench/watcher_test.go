package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/access"
)

// watcher follows the openings of one provider over graphql-transport-ws, as a signed-in patient's device does.
type watcher struct {
	provider int
	conn     *websocket.Conn
	ended    chan error

	mu   sync.Mutex
	came []message // and wasn't read yet
	seen map[string]time.Time
}

// message is what came, and when.
type message struct {
	at   time.Time
	text []byte
}

const watching = `subscription($provider: ID!) { availabilityChanged(scope: {providerIds: [$provider]}) {
	... on StreamEvent { cursor } ... on SlotsChanged { slots { id version start remaining status } removedSlotIds } } }`

// audience are watchers of one server.
type audience []*watcher

const dialing = 16 // at once

// audience has n watchers connect, spread over so many providers, and waits until each is ready.
func (w *town) audience(t testing.TB, at *rig.Server, n, providers int) audience {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	all, faults := make(audience, n), make([]error, n)
	turns := make(chan int)
	var dialers sync.WaitGroup
	for range dialing {
		dialers.Go(func() {
			for i := range turns {
				all[i], faults[i] = w.watch(ctx, at, i%providers)
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	dialers.Wait()
	if err := errors.Join(faults...); err != nil {
		all.leave()
		t.Fatalf("of %d watchers: %.2000s", n, err)
	}
	return all
}

// watch connects somebody who hasn't been there before.
func (w *town) watch(ctx context.Context, at *rig.Server, provider int) (*watcher, error) {
	location, err := w.Ref(w.Location)
	if err != nil {
		return nil, err
	}
	token, err := w.Token(access.Actor{
		Kind: access.Patient, ID: uuid.New(), Client: "bench", Organization: location.Organization, Role: access.PatientRole,
		Scopes: access.ScopesOf(access.PatientRole), PatientID: uuid.New(),
	})
	if err != nil {
		return nil, err
	}
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(at.URL, "http")+"/graphql", &websocket.DialOptions{
		HTTPClient:   &http.Client{Timeout: 0, Transport: upgrading}, // a socket lasts, but dialing it doesn't
		Subprotocols: []string{"graphql-transport-ws"},
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	one := &watcher{provider: provider, conn: conn, ended: make(chan error, 1), seen: map[string]time.Time{}}
	if err := one.begin(ctx, token, w.globalIDs[provider]); err != nil {
		_ = conn.CloseNow()
		return nil, err
	}
	go one.listen()
	return one, nil
}

var upgrading = &http.Transport{DisableKeepAlives: true, DisableCompression: true, WriteBufferSize: 1 << 10, ReadBufferSize: 1 << 10}

func (o *watcher) begin(ctx context.Context, token, provider string) error {
	for _, step := range []struct{ say, hear string }{
		{fmt.Sprintf(`{"type":"connection_init","payload":{"Authorization":"Bearer %s"}}`, token), `"connection_ack"`},
		{fmt.Sprintf(`{"type":"subscribe","id":"1","payload":{"query":%s,"variables":{"provider":%q}}}`, quoted(watching), provider), `"next"`},
	} {
		if err := o.conn.Write(ctx, websocket.MessageText, []byte(step.say)); err != nil {
			return err
		}
		_, heard, err := o.conn.Read(ctx)
		if err != nil {
			return err
		}
		if !strings.Contains(string(heard), step.hear) || strings.Contains(string(heard), `"errors"`) {
			return fmt.Errorf("%.300s where %s was to come", heard, step.hear)
		}
	}
	return nil
}

func quoted(text string) string {
	words, _ := json.Marshal(text) // text always can be
	return string(words)
}

// listen notes when each message came, and leaves reading it for later.
func (o *watcher) listen() {
	for {
		_, text, err := o.conn.Read(context.Background())
		at := time.Now()
		if err != nil {
			o.ended <- err
			return
		}
		o.mu.Lock()
		o.came = append(o.came, message{at, text})
		o.mu.Unlock()
	}
}

// read reads what has come: when the watcher learned of each slot first.
func (o *watcher) read() error {
	select {
	case err := <-o.ended:
		return err
	default:
	}
	o.mu.Lock()
	came := o.came
	o.came = nil
	o.mu.Unlock()
	for _, m := range came {
		var event struct {
			Type    string
			Payload struct {
				Data struct {
					AvailabilityChanged struct {
						Slots          []struct{ ID string }
						RemovedSlotIDs []string `json:"removedSlotIds"`
					}
				}
			}
		}
		if err := json.Unmarshal(m.text, &event); err != nil || event.Type != "next" {
			return fmt.Errorf("%.300s: %w", m.text, err)
		}
		changed := event.Payload.Data.AvailabilityChanged
		for _, s := range changed.Slots {
			o.learn(s.ID, m.at)
		}
		for _, id := range changed.RemovedSlotIDs {
			o.learn(id, m.at)
		}
	}
	return nil
}

func (o *watcher) learn(slot string, at time.Time) {
	if _, known := o.seen[slot]; !known {
		o.seen[slot] = at
	}
}

func (a audience) leave() {
	for _, o := range a {
		if o != nil {
			_ = o.conn.CloseNow()
		}
	}
}
