package planted_test

// fault is a change of the program that a test must notice.
type fault struct {
	name  string
	edits []edit
	pkg   string // whose test notices
	test  string // or fuzz target, by its name
	want  string // what it says then: it must notice this fault, not just any
}

// edit replaces text that stands in a file exactly once.
type edit struct{ file, old, new string }

const (
	core    = "migrations/00001_core.sql"
	booking = "migrations/00002_booking.sql"
	proofs  = "./bench/prove"
	privacy = "./bench/privacy"
	clients = "./test/clients"
)

var faults = []fault{
	{"who comes back isn't told what was missed", []edit{
		{"internal/live/stream.go", `func (f *follower[K, V]) replay(ctx context.Context, at Cursor, upto int64) error {`, "func (f *follower[K, V]) replay(ctx context.Context, at Cursor, upto int64) error {\n\tif at.Position > 0 {\n\t\treturn nil\n\t}"},
	}, proofs, "TestEverybodySeesWhatThereIsAfterAStorm", "differs in"},
	{"an event is told without what can't be read now", []edit{
		{"graph/telling.go", `err := late(answer)`, `var err error`},
	}, "./resolvers", "TestAnEventThatCannotBeReadNowIsToldOnceItCan", "told"},
	{"an id has two spellings", []edit{
		{"graph/globalid/globalid.go", ` || base64.RawURLEncoding.EncodeToString(b) != text`, ``},
	}, "./graph/globalid", "FuzzParse", "whose id is"},
	{"a day without hours is written with a T", []edit{
		{"graph/scalar/duration.go", `if i == 1 && d > 0 {`, `if i == 1 {`},
	}, "./graph/scalar", "FuzzScalars", "is written"},
	{"what a value is bound to runs into each other", []edit{
		{"internal/seal/seal.go", `all = binary.BigEndian.AppendUint32(all, uint32(len(part)))`, ``},
	}, "./internal/seal", "FuzzSeal", "opened at"},
	{"any word of a reply names a message", []edit{
		{"internal/reminder/reply.go", `case answers, ours, !named, r.Reference`, `case answers, ours, r.Reference`},
		{"internal/reminder/reply.go", `			r.Reference = reference
`, `			r.Reference = word
			_ = named
`},
	}, "./internal/reminder", "FuzzReadReply", "Reference:"},
	{"a time that is shown twice is the second", []edit{
		{"internal/clock/calendar.go", `if shown.Before(s.End) {`, `if shown.Before(s.End.Add(-time.Hour)) {`},
	}, "./internal/clock", "FuzzInstant", "the watcher saw it"},
	{"a message may say the same thing twice", []edit{
		{"graph/socket/message.go", `if _, repeated := keys[key]; repeated {`, `if _, repeated := keys[key]; repeated && false {`},
	}, "./graph/socket", "FuzzMessage", "was taken for a message"},
	{"a published window goes from its end to its start", []edit{
		{"internal/intake/slot.go", `span{from: civil.DateTimeOf(from), to: civil.DateTimeOf(to)}`, `span{from: civil.DateTimeOf(to), to: civil.DateTimeOf(from)}`},
	}, "./internal/intake", "FuzzLine", "a window was taken as"},
	{"a published window may end before it begins", []edit{
		{"internal/intake/slot.go", `if !from.Before(to) {`, `if false {`},
	}, "./internal/intake", "FuzzSlot", "a window was taken as"},
	{"an open quote swallows the rows after it", []edit{
		{"internal/intake/sheet.go", `others := s.pending[1:]`, `others := s.pending[len(s.pending):]`},
	}, "./internal/intake", "FuzzSheet", "the last row is missing"},
	{"hours may end when they begin", []edit{
		{"internal/intake/hours.go", `if to <= from {`, `if to < from {`},
	}, "./internal/intake", "FuzzHours", "hours were taken as"},
	{"hours end on the day on which the next begin", []edit{
		{"internal/intake/directory_terms.go", `until := from.AddDays(-1)`, `until := from`},
	}, "./internal/intake", "FuzzDirectory", "terms don't follow each other"},
	{"a lane from when there were more takes none away", []edit{
		{"internal/availability/lanes.go", `if c.lane < 0 {`, `if c.lane < 0 || c.lane >= n {`},
	}, "./internal/availability", "FuzzOpenings", "the reference has"},
	{"what is left forgets the daily cap", []edit{
		{"internal/availability/judge.go", `min(free, dayLeft, windowLeft)`, `min(free, windowLeft)`},
	}, "./internal/availability", "FuzzOpeningsBooking", "bookings on,"},

	{"neither lock nor constraint keeps a lane for one", []edit{
		{core, `tstzrange(starts_at, ends_at, '[)') WITH &&`, `tstzrange(starts_at, ends_at, '[)') WITH &&, id WITH =`},
		{booking, `AND c.starts_at < to_ AND c.starts_at > from_ - interval '48 hours' AND c.ends_at > from_ AND c.starts_at < c.ends_at`, `AND c.starts_at > to_ AND c.ends_at > from_`},
	}, proofs, "TestOneClientOfManyGetsAnOpening$", "double bookings"},
	{"keys are dropped that a writer remembered", []edit{
		{"internal/app/keys.go", `late, err := r.stragglers(ctx, organizations)`, `late, err := 0, error(nil)`},
	}, proofs, "TestKeysRotateWhileVisitsAreBooked$", "INTERNAL"},
	{"requests are logged with their addresses", []edit{
		{"graph/accesslog/accesslog.go", `slog.Int("status", answer.status)`, `slog.String("url", r.URL.String()), slog.Int("status", answer.status)`},
	}, privacy, "TestPatientsDataStaysWhereItBelongs$", "what processes said: Zyxquill"},
	{"figures are kept by the addresses of requests", []edit{
		{"graph/accesslog/accesslog.go", `e.observe(answer.status, took)`, `route := e.Route
		e.Route = r.URL.String()
		e.observe(answer.status, took)
		e.Route = route`},
		{"internal/telemetry/telemetry.go", `if len(b.seen) >= mostValues || !b.form.MatchString(value) {`, `if false {`},
	}, privacy, "TestPatientsDataStaysWhereItBelongs$", "/metrics: Zyxquill"},
	{"the reason for a visit is logged", []edit{
		{"internal/postgres/booking_params.go", `p.Appointment, p.Status, p.AwaitsDoctor = idOf(ap.ID), string(ap.Status), ap.AwaitsDoctor`, `p.Appointment, p.Status, p.AwaitsDoctor = idOf(ap.ID), string(ap.Status), ap.AwaitsDoctor
	if ap.Reason != nil {
		println("booking for " + ap.Reason.Reveal())
	}`},
	}, privacy, "TestPatientsDataStaysWhereItBelongs$", "what processes said: Zyxquill"},
	{"names are looked up as they are", []edit{
		{"internal/postgres/private_tokens.go", "return mac.Sum(nil)\n}\n\nfunc (key lookUp) digests(", "return []byte(h.Value.Reveal())\n}\n\nfunc (key lookUp) digests("},
	}, privacy, "TestPatientsDataStaysWhereItBelongs$", "the table public.patient_tokens: "},
	{"idempotency keys are kept as they are", []edit{
		{"internal/postgres/keys.go", `hex.EncodeToString(key.kept(keyLabel, []byte(once.Key))),`, `hex.EncodeToString(key.kept(keyLabel, []byte(once.Key))) + string(once.Key),`},
	}, privacy, "TestPatientsDataStaysWhereItBelongs$", "the table public.idempotency_keys: "},
	{"a failure repeats a name that the schema lacks", []edit{
		{"graph/presenter/names.go", `if _, known := n[name]; known {`, `if _, known := n[name]; known || true {`},
	}, privacy, "TestPatientsDataStaysWhereItBelongs$", "failures, headers and links of answers: Zyxquill"},
	{"a daily cap lets one more in", []edit{
		{booking, `>= (p->>'dailyCap')::integer THEN`, `> (p->>'dailyCap')::integer THEN`},
	}, proofs, "TestADailyCapHolds", "days over their cap"},
	{"a window cap lets one more in", []edit{
		{booking, `>= (w->>'cap')::integer) THEN`, `> (w->>'cap')::integer) THEN`},
	}, proofs, "TestAWindowCapHolds", "windows over their cap"},
	{"days are locked in the order in which they come", []edit{
		{booking, `SELECT DISTINCT org, u.party, u.day FROM unnest(parties, days) u(party, day) ORDER BY u.party, u.day`,
			`SELECT org, u.party, u.day FROM unnest(parties, days) WITH ORDINALITY u(party, day, n) ORDER BY u.n`},
	}, proofs, "TestCrossingMovesAllSucceed", "deadlocks"},
	{"an answer that was given is forgotten", []edit{
		{booking, `u.actor_id = who AND u.key = key_;
    IF NOT FOUND THEN`, `u.actor_id = who AND u.key = key_ AND false;
    IF NOT FOUND THEN`},
		{booking, `a.created_at > now_ - interval '5 minutes'`, `a.created_at > now_`},
	}, proofs, "ThoughTheServerIsKilled", "the table says"},
	{"the log is read past a running transaction", []edit{
		{"internal/postgres/positions.go", `ended = min(ended, *writing)`, `ended = max(ended, *writing)`},
	}, "./internal/postgres", "TestAPositionOfARunningTransactionIsNotPassedOver", "is released while"},
	{"a cancelled visit is left out of the log", []edit{
		{booking, `PERFORM log_claims(org, now_, 'appointment.cancelled', appointment_, old || holding);`, ``},
	}, proofs, "TestAStormOfMovesAndCancelsEndsInOrder", "visits whose last change isn't in the log"},
	{"a token that is refused ends a socket as if all were well", []edit{
		{"graph/socket/socket.go", `forbidden     websocket.StatusCode = 4403`, `forbidden     websocket.StatusCode = 1000`},
	}, clients, "TestClientsOfOthersNeedNothingButTheAddressAndAToken/graphql-ws.mjs", "connections in 3 s"},
	{"what a browser heard last is forgotten", []edit{
		{"graph/transport/stream.go", `const lastEvent = "Last-Event-ID"`, `const lastEvent = "Last-Event"`},
	}, clients, "TestClientsOfOthersNeedNothingButTheAddressAndAToken/eventsource.mjs", "something came twice"},
	{"a request that is refused is answered with data", []edit{
		{"graph/transport/answer.go", `case executed && len(answer.Data) == 0:`, `case len(answer.Data) == 0:`},
	}, clients, "TestEveryAuditOfGraphQLOverHTTPPasses", "execution result data is not"},
}
