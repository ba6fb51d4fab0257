package prove_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/channel/wire"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

// station is all that patients are told by: servers, workers, PostgreSQL, Redis, and servers in the place of Twilio and SendGrid.
type station struct {
	t       *testing.T
	rig     *rig.Rig
	url     string
	redis   *rig.Redis
	vendors *vendors.Vendors
	api     *rig.Server
	pool    *pgxpool.Pool // sees everything
	ear     *hearer
	http    *http.Client
	people  int
}

func newStation(t *testing.T, connections int) *station {
	t.Helper()
	p := &station{t: t, ear: &hearer{alerts: map[uuid.UUID]alert{}}, http: rig.NewHTTP(200)}
	ctx := t.Context()
	var err error
	p.rig, err = rig.Start(ctx, !alone())
	p.must(err)
	t.Cleanup(p.rig.Close)
	p.url, err = p.rig.NewDatabase(ctx)
	p.must(err)
	p.redis, err = p.rig.StartRedis(ctx)
	p.must(err)
	t.Cleanup(func() { _ = p.redis.Kill() })
	p.vendors, err = vendors.Start(vendors.Options{})
	p.must(err)
	t.Cleanup(p.vendors.Close)
	deaf := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(deaf.Close)
	p.rig.Ear = p.ear
	p.rig.Environ = []string{
		"MEDICONNECT_REDIS_URL=" + p.redis.URL(), "MEDICONNECT_LOG_FORMAT=json",
		"MEDICONNECT_TWILIO_ACCOUNT_SID=" + vendors.AccountSID, "MEDICONNECT_TWILIO_AUTH_TOKEN=" + vendors.AuthToken, "MEDICONNECT_TWILIO_FROM=" + vendors.Number,
		"MEDICONNECT_TWILIO_URL=" + p.vendors.URL(), "MEDICONNECT_SENDGRID_API_KEY=" + vendors.APIKey, "MEDICONNECT_SENDGRID_FROM=Clinic <no-reply@example.org>",
		"MEDICONNECT_SENDGRID_URL=" + p.vendors.URL(), "MEDICONNECT_SENDGRID_EVENT_KEY=" + p.vendors.EventKey(), "MEDICONNECT_CALLBACK_URL=" + deaf.URL,
	}
	p.pool, err = p.rig.Open(ctx, p.url, 4)
	p.must(err)
	t.Cleanup(p.pool.Close)
	p.api, err = p.rig.Serve(ctx, p.url, connections)
	p.must(err)
	t.Cleanup(func() { _ = p.api.Kill() })
	return p
}

func (p *station) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// with starts something under settings that are stronger than the usual ones.
func (p *station) with(settings []string, start func(context.Context, string) (*rig.Server, error)) *rig.Server {
	p.t.Helper()
	usual := p.rig.Environ
	p.rig.Environ = append(append([]string{}, usual...), settings...)
	defer func() { p.rig.Environ = usual }()
	s, err := start(p.t.Context(), p.url)
	p.must(err)
	return s
}

// workers starts some that go on until the test ends.
func (p *station) workers(n int, settings ...string) {
	p.t.Helper()
	for range n {
		w := p.with(settings, p.rig.Work)
		p.t.Cleanup(func() { _ = w.Kill() })
	}
}

// guest is a patient of a clinic of their own, with openings.
type guest struct {
	*rig.Clinic
	rig.Patient
	organization uuid.UUID
	phone, email string
	slots        []rig.Slot
	visit        rig.Visit
	booked       time.Time
}

func (p *station) guest(channels ...string) *guest {
	p.t.Helper()
	ctx := p.t.Context()
	p.people++
	g := &guest{phone: fmt.Sprintf("+1202%07d", 5_000_000+p.people), email: fmt.Sprintf("patient%d@example.org", p.people)}
	var err error
	g.Clinic, err = p.rig.NewClinic(ctx, p.api, &rig.Client{HTTP: p.http})
	p.must(err)
	ref, err := g.Ref(g.Clinic.Organization)
	p.must(err)
	g.organization = ref.Organization
	g.Patient, err = g.Reachable(ctx, g.phone, g.email, channels...)
	p.must(err)
	provider, err := g.Provider(ctx, 1, 0)
	p.must(err)
	g.slots, err = g.Openings(ctx, provider, 1)
	p.must(err)
	return g
}

func (p *station) book(g *guest) {
	p.t.Helper()
	a, _, err := rig.Insist(p.t.Context(), func(ctx context.Context) (rig.Answer, error) { return g.Book(ctx, g.slots[0].ID, "book") })
	if err != nil || a.Visit == nil {
		p.t.Fatal(a, err)
	}
	g.visit, g.booked = *a.Visit, time.Now()
}

// cancel cancels the visit and says when that was answered; move moves it.
func (p *station) cancel(g *guest) time.Time {
	return p.change(func(ctx context.Context) (rig.Answer, error) { return g.Cancel(ctx, g.visit.ID, "cancel") })
}

func (p *station) move(g *guest) time.Time {
	return p.change(func(ctx context.Context) (rig.Answer, error) { return g.Move(ctx, g.visit.ID, g.slots[4].ID, "move") })
}

func (p *station) change(how func(context.Context) (rig.Answer, error)) time.Time {
	a, _, err := rig.Insist(p.t.Context(), how)
	if err != nil || a.Visit == nil {
		p.t.Errorf("a change: %+v %v", a, err)
	}
	return time.Now()
}

// news is a row of messages, with what the vendors have of it.
type news struct {
	ID             uuid.UUID
	Kind, Channel  string
	Version        int
	State, Cause   string
	Tries          int
	SendingAt      *time.Time
	SentAt         *time.Time
	EndedAt        *time.Time
	DueAt          *time.Time
	letters        int
	first          time.Time // arrival of the first
	OrganizationID uuid.UUID
}

const selectMessages = `SELECT id, kind, channel, version, state, coalesce(cause, ''), tries, sending_at, sent_at, ended_at, due_at FROM messages
	WHERE organization_id = $1 AND kind <> 'REMINDER' ORDER BY version, kind, place`

// messages are those of a guest, but for reminders.
func (p *station) messages(g *guest) (list []news) {
	p.t.Helper()
	rows, err := p.pool.Query(p.t.Context(), selectMessages, g.organization)
	p.must(err)
	defer rows.Close()
	for rows.Next() {
		m := news{OrganizationID: g.organization}
		p.must(rows.Scan(&m.ID, &m.Kind, &m.Channel, &m.Version, &m.State, &m.Cause, &m.Tries, &m.SendingAt, &m.SentAt, &m.EndedAt, &m.DueAt))
		list = append(list, m)
	}
	p.must(rows.Err())
	letters := p.letters(g)
	for i := range list {
		key := wire.Key(clinic.Ref{Organization: g.organization, ID: list[i].ID})
		for _, l := range letters {
			if l.Key == key {
				if list[i].letters == 0 {
					list[i].first = l.Arrived
				}
				list[i].letters++
			}
		}
	}
	return list
}

// letters are those that the vendors have for a guest, oldest first.
func (p *station) letters(g *guest) (list []vendors.Message) {
	for _, m := range p.vendors.Messages() {
		if m.To == g.phone || m.To == g.email {
			list = append(list, m)
		}
	}
	return list
}

func (m news) String() string {
	text := fmt.Sprintf("%s by %s %s", m.Kind, m.Channel, m.State)
	if m.Cause != "" {
		text += " " + m.Cause
	}
	return fmt.Sprintf("%s, %d letters", text, m.letters)
}

// hearer hears what workers say, and keeps the alerts.
type hearer struct {
	mu     sync.Mutex
	alerts map[uuid.UUID]alert
	errors []string
}

type alert struct {
	at    time.Time
	state string
}

// Write implements io.Writer. Each process writes whole lines.
func (e *hearer) Write(text []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for line := range bytes.Lines(text) {
		var said struct {
			Level, Msg, Alert, State string
			Message                  uuid.UUID
		}
		if json.Unmarshal(line, &said) != nil {
			continue
		}
		if said.Alert == "message" {
			e.alerts[said.Message] = alert{time.Now(), said.State}
		} else if len(e.errors) < 50 {
			e.errors = append(e.errors, string(line))
		}
	}
	return len(text), nil
}

func (e *hearer) heard(id uuid.UUID) (alert, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a, ok := e.alerts[id]
	return a, ok
}
