package bench_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/bench/rig"
)

// executed is a statement as a server sent it, and how PostgreSQL executed it.
type executed struct {
	question string
	ms       float64
	sql      string
	plan     string
}

// What makes PostgreSQL write down how it executes whatever new sessions send to a database.
var auto = []string{
	"session_preload_libraries = 'auto_explain'", "auto_explain.log_min_duration = 0", "auto_explain.log_analyze = on", "auto_explain.log_buffers = on",
}

// explain asks each question so many times of a server of its own, and answers how each of its statements was executed when it
// took longest, as text, too. The first half of the requests doesn't count: until then plans fit the values of the moment.
func (w *care) explain(t testing.TB, requests int) (string, []executed) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	w.explainSessions(ctx, t)
	server, err := w.Serve(ctx, w.url, connections)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Kill() }()
	quiet := w.client
	w.client = rig.Client{Server: server, HTTP: rig.NewHTTP(1)}
	defer func() { w.client = quiet }()
	var plans []executed
	for _, q := range slices.Concat(finding, byWords) {
		a := &asked{w: w, q: q}
		a.measure(t, requests/2)
		from := w.logged(t)
		a.measure(t, requests-requests/2)
		plans = append(plans, slowest(q.name, w.said(t, from))...)
	}
	return w.told(ctx, t, plans), plans
}

func (w *care) explainSessions(ctx context.Context, t testing.TB, more ...string) {
	t.Helper()
	config, err := pgx.ParseConfig(w.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range slices.Concat(auto, more) {
		if err := w.Admin(ctx, "ALTER DATABASE "+config.Database+" SET "+setting); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *care) logged(t testing.TB) int64 {
	t.Helper()
	info, err := os.Stat(w.Log())
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// said is what the cluster's server has said since its log was so long.
func (w *care) said(t testing.TB, from int64) string {
	t.Helper()
	text, err := os.ReadFile(w.Log())
	if err != nil {
		t.Fatal(err)
	}
	return string(text[from:])
}

var (
	entry    = regexp.MustCompile(`(?m)^\S.* LOG:  duration: ([0-9.]+) ms  plan:\n((?:\t.*\n)+)`)
	planning = regexp.MustCompile(`\(cost=.*\)$`)
)

// slowest finds the statements of a question in a log, in the order in which they were sent first.
func slowest(question, log string) []executed {
	return chosen(executions(question, log), func(e, before executed) bool { return e.ms > before.ms })
}

// chosen keeps one execution of each statement.
func chosen(all []executed, better func(e, before executed) bool) []executed {
	var order []string
	found := map[string]executed{}
	for _, e := range all {
		before, known := found[e.sql]
		if !known {
			order = append(order, e.sql)
		}
		if !known || better(e, before) {
			found[e.sql] = e
		}
	}
	list := make([]executed, len(order))
	for i, sql := range order {
		list[i] = found[sql]
	}
	return list
}

// executions are all that a log tells.
func executions(question, log string) (all []executed) {
	for _, match := range entry.FindAllStringSubmatch(log, -1) {
		lines := strings.Split(strings.TrimRight(match[2], "\n"), "\n")
		plan := slices.IndexFunc(lines, planning.MatchString)
		if plan < 0 {
			continue
		}
		e := executed{question: question, sql: unindented(lines[:plan]), plan: unindented(lines[plan:])}
		e.sql = strings.TrimSpace(strings.TrimPrefix(e.sql, "Query Text:"))
		e.ms, _ = strconv.ParseFloat(match[1], 64)
		all = append(all, e)
	}
	return all
}

func unindented(lines []string) string {
	cut := make([]string, len(lines))
	for i, line := range lines {
		cut[i] = strings.TrimPrefix(line, "\t")
	}
	return strings.Join(cut, "\n")
}

// shown are the settings that plans and times follow from.
var shown = []string{"server_version", "shared_buffers", "effective_cache_size", "work_mem", "random_page_cost", "max_parallel_workers_per_gather"}

// told is the text for whoever wants to read the plans.
func (w *care) told(ctx context.Context, t testing.TB, plans []executed) string {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "How the statements of finding care were executed as the server sent them, with %s.\n", w.size)
	fmt.Fprintf(&text, "%s; settings:", time.Now().UTC().Format(time.DateTime))
	conn, err := w.admin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, name := range shown {
		values, err := listed(ctx, conn, "SELECT current_setting('"+name+"')", pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, " %s %s", name, values[0])
	}
	fmt.Fprintf(&text, "\nRead without a condition that an index answers: %s", strings.Join(readThrough(plans), ", "))
	for _, e := range plans {
		fmt.Fprintf(&text, "\n\n=== %s, %.2f ms\n%s\n---\n%s", e.question, e.ms, e.sql, e.plan)
	}
	text.WriteString("\n")
	return text.String()
}

func keepPlans(b *testing.B, text string) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	if err := os.MkdirAll("results", 0o755); err != nil {
		b.Fatal(err)
	}
	name := strings.NewReplacer("Benchmark", "", "/", "-").Replace(b.Name()) + ".txt"
	if err := os.WriteFile(filepath.Join("results", name), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// growing are the tables that no statement may read from one end to the other.
var growing = []string{"appointments", "claims", "desks", "party_days", "providers", "schedule_exceptions", "schedules"}

var scanned = regexp.MustCompile(`(Seq Scan|Index Scan|Index Only Scan|Bitmap Heap Scan)(?: Backward)?(?: using \w+)? on (\w+).*\n? *(Index Cond)?`)

// refused says which plans read all of a growing table.
func refused(plans []executed) (faults []string) {
	for _, e := range plans {
		for _, scan := range scanned.FindAllStringSubmatch(e.plan, -1) {
			if scan[1] == "Seq Scan" && slices.Contains(growing, scan[2]) {
				faults = append(faults, fmt.Sprintf("%s reads all of %s:\n%s\n%s", e.question, scan[2], e.sql, e.plan))
			}
		}
	}
	return faults
}

// readThrough lists the tables that are read from the beginning until enough is found, or whole, and for which question. A table
// that is small is best read so, and a list by name until it is full.
func readThrough(plans []executed) []string {
	var list []string
	for _, e := range plans {
		for _, scan := range scanned.FindAllStringSubmatch(e.plan, -1) {
			if scan[1] != "Bitmap Heap Scan" && scan[3] == "" {
				list = append(list, scan[2]+" ("+e.question+")")
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func plansAreTold(t *testing.T, w *care) {
	text, plans := w.explain(t, 4)
	read, questions := map[string]bool{}, map[string]bool{}
	for _, e := range plans {
		questions[e.question] = true
		for _, scan := range scanned.FindAllStringSubmatch(e.plan, -1) {
			read[scan[2]] = true
		}
		if e.sql == "" || !strings.Contains(e.plan, "actual time=") || !strings.Contains(text, e.plan) {
			t.Errorf("%+v", e)
		}
	}
	if len(questions) != len(finding)+len(byWords) {
		t.Errorf("told are %v", slices.Collect(maps.Keys(questions)))
	}
	for _, table := range growing[1:] { // appointments are found by their claims
		if !read[table] {
			t.Errorf("no plan reads %s:\n%s", table, text)
		}
	}
}

func TestASequentialScanIsSeen(t *testing.T) {
	const plan = `Nested Loop  (cost=0.1..2 rows=1 width=4)
  ->  Index Scan using claims_pkey on claims c  (cost=0..1)
        Index Cond: (id = 1)
  ->  Index Scan using providers_by_name_of_all on providers p  (cost=0..1)
        Filter: (id = 1)
  ->  Parallel Seq Scan on schedules  (cost=0..1)`
	log := "2026-11-25 20:00:00.000 UTC [12] LOG:  duration: 1.500 ms  plan:\n\tQuery Text: \n\tSELECT 1\n\tFROM x\n\t" + strings.ReplaceAll(plan, "\n", "\n\t") + "\n" +
		"2026-11-25 20:00:01.000 UTC [12] LOG:  checkpoint\n"
	found := slowest("q", log)
	if len(found) != 1 || found[0] != (executed{"q", 1.5, "SELECT 1\nFROM x", plan}) {
		t.Fatalf("%+v", found)
	}
	if through := readThrough(found); !slices.Equal(through, []string{"providers (q)", "schedules (q)"}) {
		t.Errorf("%v", through)
	}
	if faults := refused(found); len(faults) != 1 || !strings.HasPrefix(faults[0], "q reads all of schedules:") {
		t.Errorf("%v", faults)
	}
}
