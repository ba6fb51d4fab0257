package app

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// journal is a log that a test waits for.
type journal struct {
	mu    sync.Mutex
	lines []string
	wrote chan struct{}
}

func newJournal() *journal { return &journal{wrote: make(chan struct{}, 1000)} }

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	j.lines = append(j.lines, string(bytes.TrimSpace(line)))
	j.mu.Unlock()
	j.wrote <- struct{}{}
	return len(line), nil
}

// find waits for a line with all these words.
func (j *journal) find(t *testing.T, words ...string) string {
	t.Helper()
	for {
		j.mu.Lock()
		for _, line := range j.lines {
			all := true
			for _, word := range words {
				all = all && strings.Contains(line, word)
			}
			if all {
				j.mu.Unlock()
				return line
			}
		}
		j.mu.Unlock()
		select {
		case <-j.wrote:
		case <-t.Context().Done():
			t.Fatal("nothing of the kind was logged")
		}
	}
}

const report = `query($of: ID, $from: DateTime!, $to: DateTime!) { conflictDetectionReport(organizationId: $of, from: $from, to: $to) {
	from to total { ...all } modes { ...all } operations { ...all } fallback { cause failed rearmedAt } fallbacks { instance at cause cases failed slow people refused rearmedAt }
	disagreements { organization { name } at mode operation location { name } visitKind { name } basic full tookMilliseconds } } }
	fragment all on ConflictComparison { mode operation cases agreement agreedAllowed agreedRefused onlyFull onlyBasic failed skipped
		rules { rule basic full onlyFull } latency { p50Milliseconds p95Milliseconds p99Milliseconds maximumMilliseconds } }`

const rearmThem = `mutation { rearmConflictDetection(input: {}) { rearmed errors { __typename ... on UserError { code } } } }`

// hours are the variables of a report about the first hours of this world, of an organisation or of the caller's own.
func hours(n int, of ...string) vars {
	asked := vars{"from": "2026-06-08T10:20:00Z", "to": sample.Dawn.Add(time.Duration(n) * time.Hour).Format(time.RFC3339)}
	if len(of) > 0 {
		asked["of"] = of[0]
	}
	return asked
}

func TestAServerThatFallsBackSaysSoAndKeepsItAndGoesOnOnceItIsRearmed(t *testing.T) {
	w, log := newWorld(t), newJournal()
	w.app.frame.Log = slog.New(slog.NewTextHandler(log, nil))
	guard := w.app.harmless.guard
	for range conflict.DefaultLimits().Cases {
		guard.Note(conflict.Comparison{Failed: context.DeadlineExceeded, Took: time.Second})
	}
	if !guard.Tripped() {
		t.Fatal("the guard hasn't tripped")
	}
	log.find(t, "level=ERROR", "fell back", "cause=FAILURES", "failed=20")
	told := w.admin.Post(t, report, hours(2)).OK(t)
	if told.Text("conflictDetectionReport", "fallback", "cause") != "FAILURES" || told.Data("conflictDetectionReport", "fallback", "rearmedAt") != nil {
		t.Errorf("the report says %s", told.Raw)
	}
	for range 2 { // once more is no harm
		if answer := w.admin.Post(t, rearmThem, nil).OK(t); !strings.Contains(string(answer.Raw), `"code":"FORBIDDEN"`) {
			t.Errorf("an administrator of a clinic re-armed it: %s", answer.Raw)
		}
	}
	w.kept(t)
	for _, want := range []float64{1, 0} {
		if answer := w.platform.Post(t, rearmThem, nil).OK(t); answer.Data("rearmConflictDetection", "rearmed") != want {
			t.Errorf("want %v: %s", want, answer.Raw)
		}
	}
	log.find(t, "level=INFO", "re-armed")
	if guard.Tripped() {
		t.Error("still off")
	}
	told = w.admin.Post(t, report, hours(2)).OK(t)
	if told.Data("conflictDetectionReport", "fallback") != nil {
		t.Errorf("after it was re-armed the report says %s", told.Raw)
	}
}

// kept waits until the fallback is in the database, with its audit row.
func (w *world) kept(t *testing.T) {
	t.Helper()
	for {
		var n int
		err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM conflict_fallbacks f JOIN audit_events a ON a.entity_id = f.id AND a.action = 'conflict.fallback'
			AND a.actor_kind = 'SYSTEM' AND a.organization_id = '00000000-0000-0000-0000-000000000000'`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			return
		}
		if err := pause(t.Context(), 10*time.Millisecond); err != nil {
			t.Fatal("the fallback isn't kept")
		}
	}
}

// cases has so many cases of a clinic noted.
func (w *world) cases(n int, of *sample.Clinic, how func(*conflict.Comparison)) {
	for range n {
		c := conflict.Comparison{Mode: conflict.Shadow, Took: 4 * time.Millisecond}
		c.Operation, c.Now, c.Patient = conflict.Book, sample.Dawn.Add(30*time.Minute+20*time.Second), sample.NewID()
		c.Plan.Organization, c.Plan.Location, c.Plan.VisitKind = of.Organization, of.Location, of.VisitKind
		how(&c)
		w.app.harmless.beside.Note(c)
	}
}

func TestTheReportTellsHowDetectionsCompareToThoseWhoRunTheClinicOrThePlatform(t *testing.T) {
	w := newWorld(t)
	there := sample.NewClinic(t, w.pool)
	w.cases(80, w.clinic, func(*conflict.Comparison) {})
	w.cases(8, w.clinic, func(c *conflict.Comparison) {
		c.Full = []availability.Rule{availability.PatientTravelTime, availability.DuplicateVisit}
		c.Took = 40 * time.Millisecond
	})
	w.cases(4, w.clinic, func(c *conflict.Comparison) {
		c.Basic, c.Full = []availability.Rule{availability.PatientBusy}, []availability.Rule{availability.PatientTravelTime}
	})
	w.cases(2, w.clinic, func(c *conflict.Comparison) { c.Basic = []availability.Rule{availability.ProviderBusy} })
	w.cases(3, w.clinic, func(c *conflict.Comparison) { c.Failed, c.Took = context.DeadlineExceeded, 500*time.Millisecond })
	w.cases(1, w.clinic, func(c *conflict.Comparison) { c.Failed, c.Took = conflict.ErrSkipped, 0 })
	w.cases(2, w.clinic, func(c *conflict.Comparison) {
		c.Mode, c.Operation, c.Now = conflict.Enforce, conflict.Move, c.Now.Add(time.Hour)
	})
	w.cases(5, there, func(*conflict.Comparison) {})
	if err := w.app.harmless.beside.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := w.admin.Post(t, report, hours(2)).OK(t).Data("conflictDetectionReport").(vars)
	total := told["total"].(vars)
	for field, want := range map[string]any{
		"mode": nil, "operation": nil, "cases": 100.0, "agreedAllowed": 82.0, "agreedRefused": 4.0, "onlyFull": 8.0, "onlyBasic": 2.0, "failed": 3.0, "skipped": 1.0,
		"agreement": 86.0 / 96, "latency": vars{"p50Milliseconds": 4.385, "p95Milliseconds": 40.822, "p99Milliseconds": 500.0, "maximumMilliseconds": 500.0},
		"rules": []any{
			vars{"rule": "DUPLICATE_VISIT", "basic": 0.0, "full": 8.0, "onlyFull": 8.0}, vars{"rule": "PATIENT_BUSY", "basic": 4.0, "full": 0.0, "onlyFull": 0.0},
			vars{"rule": "PATIENT_TRAVEL_TIME", "basic": 0.0, "full": 12.0, "onlyFull": 8.0}, vars{"rule": "PROVIDER_BUSY", "basic": 2.0, "full": 0.0, "onlyFull": 0.0},
		},
	} {
		if !reflect.DeepEqual(total[field], want) {
			t.Errorf("%s: %v, want %v", field, total[field], want)
		}
	}
	modes, operations := told["modes"].([]any), told["operations"].([]any)
	if len(modes) != 2 || modes[0].(vars)["mode"] != "ENFORCE" || modes[0].(vars)["cases"] != 2.0 || modes[1].(vars)["mode"] != "SHADOW" || modes[1].(vars)["cases"] != 98.0 ||
		len(operations) != 2 || operations[1].(vars)["operation"] != "MOVE" || operations[1].(vars)["cases"] != 2.0 {
		t.Errorf("by mode and operation: %v, %v", modes, operations)
	}
	if from, to := told["from"], told["to"]; from != "2026-06-08T10:00:00Z" || to != sample.Dawn.Add(2*time.Hour).Format(time.RFC3339) {
		t.Errorf("from %s to %s", from, to)
	}
	differ := told["disagreements"].([]any)
	if len(differ) != 10 {
		t.Fatalf("%d disagreements", len(differ))
	}
	for _, d := range differ {
		d := d.(vars)
		if d["at"] != sample.Dawn.Add(30*time.Minute).Format(time.RFC3339) || d["organization"] == nil || d["location"] == nil || d["visitKind"] == nil || d["mode"] != "SHADOW" || d["operation"] != "BOOK" {
			t.Errorf("a disagreement: %v", d)
		}
	}
	w.whoseReports(t, there)
}

func (w *world) whoseReports(t *testing.T, there *sample.Clinic) {
	t.Helper()
	here := globalid.OfOrganization(w.clinic.Organization)
	for _, c := range []struct {
		name  string
		by    gqltest.Client
		asked vars
		cases any
		code  string
	}{
		{"the first hour alone", w.admin, hours(1), 98.0, ""},
		{"who runs the platform, of all", w.platform, hours(2), 105.0, ""},
		{"who runs the platform, of one", w.platform, hours(2, here), 100.0, ""},
		{"who runs the platform, of the other", w.platform, hours(2, globalid.OfOrganization(there.Organization)), 5.0, ""},
		{"of another organisation", w.admin, hours(2, globalid.OfOrganization(there.Organization)), nil, "NOT_FOUND"},
		{"the front desk", w.desk, hours(2), nil, "FORBIDDEN"},
		{"nobody", w.Client, hours(2, here), nil, "UNAUTHENTICATED"},
		{"a period that ends before it starts", w.admin, vars{"from": "2026-06-02T00:00:00Z", "to": "2026-06-01T00:00:00Z"}, nil, "INVALID_INPUT"},
		{"92 days", w.admin, vars{"from": "2026-06-08T00:00:00Z", "to": "2026-09-08T00:00:00Z"}, 100.0, ""},
		{"longer", w.admin, vars{"from": "2026-06-08T00:00:00Z", "to": "2026-09-08T00:00:01Z"}, nil, "INVALID_INPUT"},
		{"7 days of all", w.platform, vars{"from": "2026-06-08T00:00:00Z", "to": "2026-06-15T00:00:00Z"}, 105.0, ""},
		{"longer of all", w.platform, vars{"from": "2026-06-08T00:00:00Z", "to": "2026-06-15T00:00:01Z"}, nil, "INVALID_INPUT"},
	} {
		answer := c.by.Post(t, report, c.asked)
		if c.code != "" && !strings.Contains(string(answer.Raw), `"code":"`+c.code+`"`) || c.code == "" && answer.Data("conflictDetectionReport", "total", "cases") != c.cases {
			t.Errorf("%s: %.500s", c.name, answer.Raw)
		}
	}
}

func TestTheFiguresTellHowDetectionsCompare(t *testing.T) {
	w := newWorld(t)
	w.app.measureConflicts()
	w.cases(3, w.clinic, func(*conflict.Comparison) {})
	w.cases(2, w.clinic, func(c *conflict.Comparison) {
		c.Mode, c.Failed, c.Took = conflict.Enforce, context.DeadlineExceeded, 3*time.Second
	})
	for range conflict.DefaultLimits().Cases {
		w.app.harmless.guard.Note(conflict.Comparison{Failed: conflict.ErrSkipped})
	}
	shown := httptest.NewRecorder()
	w.app.figures.Pages().ServeHTTP(shown, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`mediconnect_conflict_fallen_back 1`,
		`mediconnect_conflict_cases_total{mode="shadow",verdict="AGREED_ALLOWED"} 3`,
		`mediconnect_conflict_cases_total{mode="enforce",verdict="FAILED"} 2`,
		`mediconnect_conflict_detection_duration_seconds_bucket{mode="shadow",le="0.0025"} 0`,
		`mediconnect_conflict_detection_duration_seconds_bucket{mode="shadow",le="0.005"} 3`,
		`mediconnect_conflict_detection_duration_seconds_bucket{mode="enforce",le="2.5"} 0`,
		`mediconnect_conflict_detection_duration_seconds_bucket{mode="enforce",le="+Inf"} 2`,
		`mediconnect_conflict_detection_duration_seconds_sum{mode="enforce"} 6`,
		`mediconnect_conflict_waiting 0`,
		`mediconnect_conflict_skipped_total{why="late"} 0`,
	} {
		if !strings.Contains(shown.Body.String(), line+"\n") {
			t.Errorf("the figures lack %s", line)
		}
	}
}
