package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"

	"cloud.google.com/go/civil"
	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/calendar"
	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/documents"
	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/graph/links"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/access/token"
	"github.com/mediconnect/mediconnect/internal/anchor"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/breakglass"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/closure"
	"github.com/mediconnect/mediconnect/internal/flags"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/intake"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/openid"
	"github.com/mediconnect/mediconnect/internal/partner"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/provider"
	"github.com/mediconnect/mediconnect/internal/redis"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/retention"
	"github.com/mediconnect/mediconnect/internal/telemetry"
	"github.com/mediconnect/mediconnect/internal/waitlist"
	"github.com/mediconnect/mediconnect/resolvers"
	"github.com/mediconnect/mediconnect/workers"
)

// Frame is what a process gives to the wiring.
type Frame struct {
	Database        postgres.Config
	Keys            string            // folder of the keys that private data are sealed with
	Clock           clock.Clock       // the product's time
	Issuer          string            // outside, whose tokens are accepted
	Key             ed25519.PublicKey // that those are verified with; nil: there is no such issuer
	LinkKey         []byte            // that calendar links are signed with
	PublicURL       *url.URL          // where clients reach the API, and the issuer of our own tokens; nil: this process makes and takes none
	Sessions        SessionSettings
	TestKeys        bool // API keys are of a sandbox
	SignIn          SignInSettings
	Log             *slog.Logger
	Chains          audit.Keys // of the audit chains; nil: they are not made here
	Audit           AuditSettings
	KeepYears       int // patients after their last visit; 0: for ever
	KeepMessageDays int // after their time; 0: as long as usual
	Events          EventSettings
	Post            identity.Post // that mails about accounts are sent by; nil: they are not sent here
	Messaging       *Messaging    // by which patients are told of their visits; nil: they are not told here
	Links           links.Links   // of those messages; none: those of the public URL
	Answering       *Answering    // how their answers, and vendors' reports, are read; nil: only by the links

	HideSchema  bool                // no introspection without the scope for it, and no page to try the API in
	Limits      *limits.Limits      // of a request; nil: those that a server has unless told otherwise
	Booking     *appointment.Limits // of accounts and patients; nil: likewise
	Conflicts   *Conflicts          // of the full detection of conflicts; nil: likewise
	Trusted     documents.Trusted   // documents that clients may name
	TrustedOnly bool                // no others are executed

	Flags *flags.Flags // switches, which the app closes; nil: each is at its safe default

	Overrides flags.Overrides // whose wishes for switches are taken

	MailLimits *identity.MailLimits // of mails about accounts; nil: those that a server has unless told otherwise
}

// App is the wired house.
type App struct {
	frame        Frame
	db           *postgres.DB
	tokens       *token.Remembering
	issuer       token.Issuer // of our own tokens
	guard        *identity.Guard
	sessions     *identity.Sessions
	pokes        chan struct{} // something was revoked here
	partner      *partner.Service
	verifier     caller.Verifier // of tokens and API keys
	people       *identity.Service
	openID       *identity.OpenID
	vouching     *openid.Providers
	hashing      *identity.Passwords
	clinic       *clinic.Service
	provider     *provider.Service
	patient      *patient.Service
	invitations  *patient.Invitations
	breakGlass   *breakglass.Service
	retention    *retention.Service
	choices      *reminder.Choices
	openings     *availability.Service
	finder       *availability.Finder
	appointments *appointment.Service
	waitlist     *waitlist.Service
	closure      *closure.Service
	harmless     harmless
	mailing      *identity.Mailing
	reminder     *reminder.Service
	answers      *reminder.Answers
	monitor      http.Handler // of the queue; nil: there is none
	ledger       *reminder.Ledger
	deadLetters  *reminder.DeadLetters
	counts       *messageFigures
	waits        *waitFigures
	flags        *flags.Flags // nil: every switch is at its safe default
	audit        *audit.Service
	recorder     *audit.Recorder
	sealer       *audit.Sealer // nil: this process seals nothing
	hub          *live.Hub
	boards       *live.Boards
	concerns     *live.Concerns // of visits
	awaited      *live.Concerns // of offers
	tickets      live.Tickets
	redis        *redis.Client // nil: there is none
	caches       caches
	feed         *live.Feed         // nil: nothing follows the log
	relay        *live.Relay        // nil: there is no Redis
	figures      *telemetry.Figures // of this process, for its operators
	parts        *parts             // what it depends on, likewise
	crowd        *crowd.Crowd       // who is connected to the handler
	servers      servers            // that share limits
	stop         context.CancelFunc // ends what runs beside the handler; nil: nothing does
	beside       sync.WaitGroup     // that
}

// Open wires stores to services. It doesn't connect to anything yet.
func Open(ctx context.Context, frame Frame) (*App, error) {
	keys, err := keyring.Open(frame.Keys)
	if err != nil {
		return nil, err
	}
	frame.Database.Keys = keys
	if frame.Audit.AnchorEvery > 0 {
		frame.Chains = keys
	}
	db, err := postgres.Open(ctx, frame.Database)
	if err != nil {
		return nil, err
	}
	return wire(frame, db), nil
}

func wire(frame Frame, db *postgres.DB) *App {
	source := clinic.Source{Clock: frame.Clock, NewID: newID}
	a := &App{frame: frame, db: db, flags: frame.Flags, hub: live.NewHub(), figures: figuresOf(db), parts: partsOf(db), clinic: clinic.NewService(db.Directory(), source)}
	a.showFlags()
	a.recognise()
	a.greet()
	a.provider = provider.NewService(db.Directory(), a.clinic, source)
	a.patient = patient.NewService(db.Directory(), source)
	a.invitations = patient.NewInvitations(db.Directory(), source, rand.Reader)
	a.breakGlass = breakglass.NewService(db.Directory(), source)
	a.retention = retention.NewService(db.Directory(), source)
	a.choices = reminder.NewChoices(db.Directory(), source)
	openings := postgres.NewAvailabilityStore(db)
	a.openings = availability.NewService(openings, frame.Clock)
	a.boards = live.NewBoards(openings, a.hub)
	a.finder = availability.NewFinder(openings, a.clinic, frame.Clock)
	a.appointments = appointment.NewService(postgres.NewAppointmentStore(db), a.openings, a.clinic, frame.booking(), source)
	a.watchConflicts(source)
	a.appointments.Detecting(a.detection())
	a.waitlist = a.waiting(source)
	a.appointments.Waited(a.waitlist)
	a.retention.Waited(a.waitlist)
	a.closure = a.closing(source)
	a.integrate()
	a.tickets = live.Tickets{Store: postgres.NewTickets(db), Clock: clock.System{}, Random: rand.Reader}
	a.concerns, a.awaited = live.NewConcerns(a.appointments, clock.System{}), live.NewConcerns(a.waitlist, clock.System{})
	a.mailing = a.mails(source)
	a.reminder, a.answers = a.reminders(source), a.hear(source)
	a.account(source)
	record := postgres.NewAuditStore(db)
	a.audit, a.recorder = audit.NewService(record), audit.NewRecorder(record, source)
	if frame.Chains != nil {
		a.sealer = audit.NewSealer(record, frame.Chains, anchor.In(frame.Audit.Anchors, frame.Chains), frame.Clock)
	}
	return a
}

func (f Frame) booking() appointment.Limits {
	if f.Booking == nil {
		return appointment.DefaultLimits()
	}
	return *f.Booking
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Handler serves the API: /graphql, /graphiql and calendar files.
func (a *App) Handler() http.Handler { return a.handler(HTTPSettings{}, nil) }

func (a *App) handler(settings HTTPSettings, limit *limiter) http.Handler {
	a.follow()
	a.recogniseKeys()
	a.crowd = crowd.New(settings.Live.crowd())
	deps := a.deps(settings, limit)
	deps.Beside = func(mux *http.ServeMux, wrap func(http.Handler) http.Handler) {
		a.besideAPI(mux, wrap)
		a.answersBeside(mux, wrap, settings, limit)
	}
	return graph.NewServer(deps)
}

// besideAPI is what is served beside the API.
func (a *App) besideAPI(mux *http.ServeMux, wrap func(http.Handler) http.Handler) {
	if a.monitor != nil {
		mux.Handle(monitorPath+"/", wrap(administrators{a.monitor, a.verifier, a.sessions}))
	}
	if a.issuer.Keys != nil {
		mux.Handle("GET /.well-known/jwks.json", wrap(http.HandlerFunc(a.published)))
	}
}

func (a *App) deps(settings HTTPSettings, limit *limiter) graph.Deps {
	files := calendar.Links{Base: strings.TrimSuffix(a.frame.PublicURL.String(), "/"), Key: a.frame.LinkKey, Clock: a.frame.Clock}
	return graph.Deps{
		Schema: resolvers.Schema(&resolvers.Resolver{
			Services: resolvers.Services{
				Clinic: a.clinic, Provider: a.provider, Patient: a.patient, Invitations: a.invitations, Mailing: a.mailing, BreakGlass: a.breakGlass, Retention: a.retention,
				Availability: a.openings, Search: a.finder, Appointment: a.appointments, Ledger: a.ledger, DeadLetters: a.deadLetters, Audit: a.audit, Conflicts: a.harmless.reports,
				Live: live.Streams{
					Hub: a.hub, Log: postgres.NewLog(a.db), Clock: a.frame.Clock,
					Visits: a.appointments, Concerns: a.concerns, Boards: a.boards, Search: a.finder, Waiting: a.waitlist, Awaited: a.awaited,
				},
				Tickets: a.tickets, Sessions: a.sessions, Partner: a.partner, People: a.people, OpenID: a.openID, Choices: a.choices, Features: switches{a.flags}, Waitlist: a.waitlist, Closure: a.closure,
			},
			Links: files, Service: serviceInfo(), Unshown: presenter.Presenter{Log: a.frame.Log},
		}),
		Loaders: loader.Services{
			Clinic: a.clinic, Provider: a.provider, Patient: a.patient, Invitations: a.invitations, BreakGlass: a.breakGlass, Retention: a.retention,
			Availability: a.openings, Search: a.finder, Appointment: a.appointments, Ledger: a.ledger, DeadLetters: a.deadLetters, Audit: a.audit, Partner: a.partner, People: a.people, Choices: a.choices, Waitlist: a.waitlist, Closure: a.closure,
		},
		Calendar: a.appointments, Links: files,
		Crowd: a.crowd, Sockets: settings.Live.sockets(), Origins: caller.Origins(settings.Live.Origins), Allow: limit.allows(), Address: settings.TrustedProxies.address,
		OAuth: a.oauth(settings), Verifier: a.verifier, Standing: a.sessions, Tickets: a.tickets, Records: a.recorder, Bonds: bonds{a.db.Directory(), a.breakGlass}, Wishes: a.frame.Overrides.Accept,
		Limits: a.frame.limits(), Trusted: a.frame.Trusted, TrustedOnly: a.frame.TrustedOnly, Log: a.frame.Log, NewID: newID, HideSchema: a.frame.HideSchema,
	}
}

func (f Frame) limits() limits.Limits {
	if f.Limits == nil {
		return limits.Default()
	}
	return *f.Limits
}

// schemaVersion is the date of the served schema's last change.
var schemaVersion = civil.Date{Year: 2026, Month: 11, Day: 27}

func serviceInfo() model.ServiceInfo {
	info := model.ServiceInfo{SchemaVersion: schemaVersion, Build: "unknown", Deprecations: []*model.Deprecation{}, TzdbVersion: clock.ZoneVersion()}
	if build, ok := debug.ReadBuildInfo(); ok {
		info.Build = build.Main.Version
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" {
				info.Build = s.Value
			}
		}
	}
	return info
}

// Work does the background work until ctx ends.
func (a *App) Work(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() {
		workers.Run(ctx, a.sweeping(), a.trimmer(), a.frame.Log)
	})
	all.Go(func() { workers.Retain(ctx, a.retention, a.frame.KeepYears, a.frame.Log) })
	if a.frame.Post != nil {
		all.Go(func() { workers.Mail(ctx, a.mailing, a.frame.Post, a.frame.Log) })
	}
	if a.frame.Messaging != nil {
		all.Go(func() { a.deliver(ctx) })
	}
	if a.sealer != nil {
		how := workers.Sealing{AnchorEvery: a.frame.Audit.AnchorEvery, Keep: a.frame.Audit.keep()}
		all.Go(func() { workers.Seal(ctx, a.sealer, how, a.frame.Log) })
	}
	all.Wait()
	return nil
}

// Tidy does once what the background work does again and again.
func (a *App) Tidy(ctx context.Context) error {
	return workers.Once(ctx, a.sweeping(), a.trimmer())
}

// bonds are whom callers act for.
type bonds struct {
	*postgres.Directory
	glass *breakglass.Service
}

// Grants is documented at access.Bonds.
func (b bonds) Grants(ctx context.Context, organization, holder uuid.UUID) ([]access.Grant, error) {
	return b.glass.OpenGrants(ctx, organization, holder)
}

// directory is what an import sets up.
func (a *App) directory() intake.Directory {
	return struct {
		*clinic.Service
		*providers
	}{a.clinic, &providers{a.provider}}
}

// Close ends all connections.
func (a *App) Close() {
	if a.stop != nil {
		a.stop()
		a.beside.Wait()
	}
	a.flags.Close()
	if a.redis != nil {
		a.redis.Close()
	}
	a.db.Close()
}

// providers lets both rooms' services stand in one struct, whose field names would clash.
type providers struct{ *provider.Service }
