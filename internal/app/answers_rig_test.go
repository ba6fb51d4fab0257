package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
	"github.com/mediconnect/mediconnect/internal/vendors"
)

// exchange is the whole server behind a socket, with vendors that call it back.
type exchange struct {
	*vendors.Vendors
	*api
	url  string
	logs bytes.Buffer
}

const patientNumber = "+12125550123"

func newExchange(t *testing.T) *exchange {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	l := &exchange{url: "http://" + server.Listener.Addr().String(), api: &api{t: t, clock: clock.FrozenAt(sample.Dawn)}}
	var err error
	if l.Vendors, err = vendors.Start(vendors.Options{AccountSID: devAccount.SID, AuthToken: devAccount.Token, Numbers: []string{devNumber}, APIKey: devMailKey}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	l.SendRepliesTo(l.url + "/callbacks/twilio/reply")
	l.SendEventsTo(l.url + "/callbacks/sendgrid/events")
	at, _ := neturl.Parse(l.URL())
	here, _ := neturl.Parse(l.url)
	settings := ChannelSettings{
		TwilioAccount: devAccount.SID, TwilioToken: Secret(devAccount.Token), TwilioFrom: devNumber, TwilioURL: WebURL{at},
		SendGridKey: devMailKey, SendGridFrom: devMailer, SendGridURL: WebURL{at}, SendGridReports: l.EventKey(), Callbacks: WebURL{here},
	}
	app, _ := neturl.Parse("https://app.example.org")
	messaging := &Messaging{Timing: reminder.UsualTiming()}
	messaging.Channels, messaging.Guards = settings.open(clock.System{})
	pool := pgtest.New(t)
	l.pool, l.clinic = pool, sample.NewClinic(t, pool)
	public, key, _ := ed25519.GenerateKey(nil)
	l.key = key
	l.app = wire(Frame{
		Clock: l.clock, Issuer: "test", Key: public, LinkKey: make([]byte, 32), PublicURL: here, Log: slog.New(slog.NewTextHandler(&l.logs, nil)),
		Messaging: messaging, Answering: settings.answering(WebURL{app}),
	}, postgres.New(pool, keytest.Of(t, pool)))
	t.Cleanup(l.app.Close)
	limit := newLimiter(limiting{RateSettings: RateSettings{Anonymous: 20, Patient: 1000, Staff: 1000, Client: 1000}, secret: make([]byte, 32), clock: clock.System{}})
	l.Handler = l.app.handler(HTTPSettings{}, limit)
	server.Config = newDoor(l.Handler, &health{}, l.app.crowd, HTTPSettings{}, slog.New(slog.DiscardHandler)).server
	server.Start()
	t.Cleanup(server.Close)
	return l
}

// told is a visit, at an hour, of somebody with the number and an address, once they have been told of it.
func (l *exchange) told(hour int) (access.Actor, appointment.Appointment) {
	l.t.Helper()
	pat := l.clinic.Patient()
	l.clinic.Reachable(pat.PatientID, patientNumber, "pat@example.org")
	visit := l.book(pat, hour)
	l.carry()
	return pat, visit
}

// carry plans and sends what is due, and waits until the vendors have told all.
func (l *exchange) carry() {
	l.t.Helper()
	ctx := context.Background()
	if _, err := l.app.reminder.Plan(ctx, 100); err != nil {
		l.t.Fatal(err)
	}
	for _, c := range reminder.SentBy {
		tasks, err := l.app.reminder.Waiting(ctx, c, 0, reminder.Task{}, 100)
		for _, task := range tasks {
			if err == nil {
				_, err = l.app.reminder.Send(ctx, task)
			}
		}
		if err != nil {
			l.t.Fatal(err)
		}
	}
	l.settled()
}

func (l *exchange) settled() {
	l.t.Helper()
	if err := l.Until(l.t.Context(), func() bool { return l.Carried().Waiting == 0 }); err != nil {
		l.t.Fatal(err)
	}
}

// says is somebody who answers by text, and is answered.
func (l *exchange) says(body string) string {
	l.t.Helper()
	answer, err := l.Reply(l.t.Context(), patientNumber, body)
	if err != nil {
		l.t.Fatal(err)
	}
	return answer
}

func (l *exchange) text(query string, args ...any) (text string) {
	l.t.Helper()
	if err := l.pool.QueryRow(context.Background(), query, args...).Scan(&text); err != nil {
		l.t.Fatal(err)
	}
	return text
}

// stands is a visit's status, whether it is confirmed, and what its messages were answered with.
func (l *exchange) stands(visit appointment.Appointment) string {
	l.t.Helper()
	return l.text(`SELECT concat_ws(' ', a.status, CASE WHEN a.confirmed_at IS NULL THEN 'open' ELSE 'confirmed' END, (SELECT string_agg(DISTINCT m.response, ',')
		FROM messages m WHERE m.appointment_id = a.id)) FROM appointments a WHERE a.id = $1`, visit.ID)
}

func (l *exchange) expect(visit appointment.Appointment, want string) {
	l.t.Helper()
	if got := l.stands(visit); got != want {
		l.t.Errorf("the visit is %q, want %q", got, want)
	}
}

// received is an answer over the socket.
type received struct {
	status int
	body   string
	head   http.Header
}

func (l *exchange) do(method, url, body string, head map[string]string) received {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	for name, value := range head {
		r.Header.Set(name, value)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer got.Body.Close()
	text, _ := io.ReadAll(got.Body)
	return received{got.StatusCode, string(text), got.Header}
}

const formType = "application/x-www-form-urlencoded"

// presses sends a form of a page.
func (l *exchange) presses(url string, form neturl.Values) received {
	l.t.Helper()
	return l.do(http.MethodPost, url, form.Encode(), map[string]string{"Content-Type": formType})
}

// links are those of a visit's last message.
func (l *exchange) links(visit appointment.Appointment) reminder.Links {
	l.t.Helper()
	var id clinic.Ref
	if err := l.pool.QueryRow(context.Background(), `SELECT organization_id, id FROM messages WHERE appointment_id = $1 AND sent_at IS NOT NULL ORDER BY sent_at DESC, id DESC LIMIT 1`,
		visit.ID).Scan(&id.Organization, &id.ID); err != nil {
		l.t.Fatal(err)
	}
	return l.app.frame.links().For(id)
}

func (l *exchange) book(pat access.Actor, hour int) appointment.Appointment {
	l.t.Helper()
	slot := l.clinic.Slot(l.clinic.Provider(1), hour, 0)
	booked, err := l.app.appointments.Book(context.Background(), pat, appointment.BookVisit{Target: appointment.Target{Slot: &slot}, Key: newID().String()})
	if err != nil {
		l.t.Fatal(err)
	}
	return booked.Appointment
}
