package postgres_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/keytest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// visits are booked by patients who have a number in common, and each a mailbox of their own if they have any; each has a confirmation that is due.
func (p *post) visits(n int, phone access.Private, mailbox bool) (list []appointment.Appointment) {
	p.t.Helper()
	for range n {
		a := p.Patient()
		email := access.Private("")
		if mailbox {
			email = access.Private(a.PatientID.String() + "@example.org")
		}
		p.Reachable(a.PatientID, phone, email)
		b, err := p.book(a, p.Slot(p.Provider(1), 10, 0))
		if err != nil {
			p.t.Fatal(err)
		}
		list = append(list, b.Appointment)
	}
	return list
}

func upTo(n int) *int { return &n }

func TestWhatIsOverTheLimitOfANumberGoesByTheNextChannelOnce(t *testing.T) {
	p := newPost(t)
	p.limit(reminder.Limits{AddressHour: 2})
	p.visits(4, "+15005550006", true)
	for range 3 {
		p.carry()
	}
	if len(p.sms.letters) != 2 || len(p.email.letters) != 2 {
		t.Fatalf("%d texts and %d mails", len(p.sms.letters), len(p.email.letters))
	}
	if s := p.states(); s["SMS SUPPRESSED LIMIT_REACHED"] != 2 || s["SMS SENT"] != 2 || s["EMAIL SENT"] != 2 {
		t.Errorf("they stand %v", s)
	}
	if n := p.number(`SELECT count(*) FROM message_attempts a JOIN messages m ON m.organization_id = a.organization_id AND m.id = a.message_id
		WHERE m.organization_id = $1 AND m.cause = 'LIMIT_REACHED'`); n != 0 {
		t.Errorf("%d attempts were made at what is over the limit", n)
	}
	if len(p.alerts) != 2 || p.alerts[0].State != reminder.Suppressed || p.alerts[0].Cause != reminder.LimitReached {
		t.Errorf("alerts: %+v", p.alerts)
	}
	today := civil.DateOf(p.clock.Now())
	f, err := p.store.Funnel(context.Background(), p.Organization, reminder.FunnelQuery{From: today.AddDays(-2), To: today.AddDays(2)})
	if err != nil || !slices.Contains(f.Causes, reminder.FunnelCause{State: reminder.Suppressed, Cause: reminder.LimitReached, Count: 2}) {
		t.Errorf("the funnel has %+v (%v)", f.Causes, err)
	}
	p.clock.Advance(time.Hour)
	p.visits(1, "+15005550006", true)
	p.carry()
	if len(p.sms.letters) != 3 {
		t.Errorf("an hour later there are %d texts", len(p.sms.letters))
	}
}

func TestACancellationIsToldThoughOtherMessagesFilledTheLimit(t *testing.T) {
	p := newPost(t)
	p.limit(reminder.Limits{AddressHour: 2, AddressDay: 2, TextsDay: 2, Others: upTo(2)})
	visits := p.visits(4, "+15005550006", false)
	p.carry()
	if told := p.sms.told(); !alike(told, reminder.Confirmation, reminder.Confirmation) {
		t.Fatalf("they were told %v", told)
	}
	p.move(visits[0], visits[0].Start.Add(2*time.Hour))
	p.cancel(visits[1])
	p.carry()
	told := p.sms.told()[2:]
	if len(told) != 2 || !alike(told, reminder.Change, reminder.Cancellation) && !alike(told, reminder.Cancellation, reminder.Change) {
		t.Fatalf("of a change and a cancellation they were told %v", told)
	}
	p.cancel(visits[2])
	p.cancel(visits[3])
	p.move(visits[0], visits[0].Start.Add(3*time.Hour))
	p.carry()
	if told := p.sms.told()[4:]; !alike(told, reminder.Cancellation, reminder.Cancellation) {
		t.Errorf("with changes over their limit, too, they were told %v", told)
	}
}

func TestTextsAreLimitedByOrganisationAndCountryAndMailsArent(t *testing.T) {
	for name, l := range map[string]reminder.Limits{
		"organisation": {TextsDay: 1}, "country": {Others: upTo(1)}, "a country of its own": {Others: upTo(9), Countries: map[string]int{"1500": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.limit(l)
			p.visits(1, "+15005550001", true)
			p.visits(1, "+15005550002", true)
			p.visits(1, "+15005550003", true)
			p.carry()
			p.carry()
			if len(p.sms.letters) != 1 || len(p.email.letters) != 2 {
				t.Errorf("%d texts and %d mails", len(p.sms.letters), len(p.email.letters))
			}
			p.Set(`UPDATE message_counts SET starts_at = starts_at - interval '1 day' WHERE $1::uuid IS NOT NULL`)
			p.visits(1, "+15005550004", true)
			p.carry()
			if len(p.sms.letters) != 2 {
				t.Errorf("the next day there are %d texts", len(p.sms.letters))
			}
		})
	}
}

// One that is tried again isn't counted again, nor is what nobody got to claim.
func TestAMessageCountsOnceHoweverOftenItIsTried(t *testing.T) {
	p := newPost(t)
	p.limit(reminder.Limits{AddressHour: 1})
	p.sms.answers = []error{reminder.Later{Cause: reminder.VendorBusy}, reminder.Later{Cause: reminder.VendorBusy}}
	p.visits(1, "+15005550006", true)
	for range 3 {
		p.carry()
		p.clock.Advance(10 * time.Second)
	}
	if len(p.sms.letters) != 1 || len(p.email.letters) != 0 {
		t.Fatalf("%d texts and %d mails", len(p.sms.letters), len(p.email.letters))
	}
	if n := p.number(`SELECT messages FROM message_counts WHERE channel = 'SMS' AND $1::uuid IS NOT NULL`); n != 1 {
		t.Errorf("it counted %d times", n)
	}
}

// However many workers of however many processes claim at the same moment, no more are sent than may be, and what isn't takes nothing from others.
func TestManyWorkersAtOnceKeepToTheLimit(t *testing.T) {
	p := newPost(t)
	const most, all, processes = 7, 40, 4
	p.visits(all, "+15005550006", false)
	if _, err := p.Service.Plan(context.Background(), all); err != nil {
		t.Fatal(err)
	}
	tasks, err := p.Waiting(context.Background(), reminder.SMS, 0, reminder.Task{}, all)
	if err != nil || len(tasks) != all {
		t.Fatalf("%d wait: %v", len(tasks), err)
	}
	var mu sync.Mutex
	sent := 0
	var working sync.WaitGroup
	for i := range processes {
		s := reminder.NewService(reminder.Config{
			Store: postgres.NewMessages(postgres.New(p.pool, keytest.Of(t, p.pool))), Source: clinic.Source{Clock: clock.FrozenAt(p.clock.Now()), NewID: sample.NewID},
			Channels: []reminder.Channel{counting{func() { mu.Lock(); sent++; mu.Unlock() }}}, Writer: plainWords{}, Timing: reminder.UsualTiming(),
			Law:    func(int, time.Duration) time.Duration { return time.Second },
			Limits: reminder.Limits{AddressHour: most, TextsDay: 1000, Others: upTo(1000)}, Alert: func(reminder.Alert) {},
		})
		for j, task := range tasks {
			if j%processes == i {
				working.Go(func() {
					if _, err := s.Send(context.Background(), task); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	working.Wait()
	if sent != most {
		t.Errorf("%d were sent, and %d may be", sent, most)
	}
	if s := p.states(); s["SMS SENT"] != most || s["SMS SUPPRESSED LIMIT_REACHED"] != all-most {
		t.Errorf("they stand %v", s)
	}
	if n := p.number(`SELECT count(*) FROM message_counts WHERE messages <> 7 AND $1::uuid IS NOT NULL`); n != 0 {
		t.Errorf("%d limits have counted others than those that were sent", n)
	}
}

// counting takes every letter.
type counting struct{ took func() }

func (counting) Kind() reminder.ChannelKind            { return reminder.SMS }
func (counting) Enter(context.Context) (func(), error) { return func() {}, nil }
func (counting) MayRetry() error                       { return nil }
func (c counting) Send(ctx context.Context, _ reminder.Letter, leave reminder.Leave) (reminder.Receipt, error) {
	left, err := leave(ctx)
	if err == nil {
		left()
		c.took()
	}
	return reminder.Receipt{VendorID: "V"}, err
}
func (counting) Find(context.Context, reminder.Sought) (reminder.Finding, error) {
	return reminder.Finding{}, reminder.CannotAsk{}
}
