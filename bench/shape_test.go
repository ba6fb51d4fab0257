package bench_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// do has a house do errands, from the n-th on.
func (e errand) do(t testing.TB, g *guarded, h *house, from, n int) (found int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	for i := range n {
		some, err := e.run(g, ctx, h, from+i)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		found += some
	}
	return found
}

// measured answers the milliseconds of SQL that an errand takes, window after window, from the n-th on.
func (e errand) measured(g *guarded, h *house, from int) measure {
	next := from
	return func(t testing.TB, window int) float64 {
		h.sql.spent = 0
		if e.do(t, g, h, next, window) == 0 {
			t.Errorf("%s: nothing was found", e.name)
		}
		next += window
		return float64(h.sql.spent.Microseconds()) / 1000 / float64(window)
	}
}

// Inside of functions, too.
var nested = []string{"auto_explain.log_nested_statements = on"}

// explained does every errand so many times in sessions of its own, and answers how each of its statements was executed last: by the
// plan that is kept, where one is.
func (g *guarded) explained(t testing.TB, url string, from, times int, more ...string) []executed {
	t.Helper()
	(&care{Rig: g.Rig, url: url}).explainSessions(context.Background(), t, slices.Concat(nested, more)...)
	h := newHouse(t, url, g.Keys)
	var plans []executed
	for _, e := range errands {
		at := g.logged(t)
		e.do(t, g, h, from, times)
		plans = append(plans, chosen(executions(e.name, g.said(t, at)), func(executed, executed) bool { return true })...)
	}
	return plans
}

var (
	read     = regexp.MustCompile(`(?:(Seq Scan) on|(?:Index Scan|Index Only Scan)(?: Backward)? using|Bitmap Index Scan on) (\w+)`)
	cond     = regexp.MustCompile(`(?m)Index Cond: \((.*)\)$`)
	tenants  = regexp.MustCompile(`\(?\w*\.?organization_id = [^()]*\)?`)
	operator = regexp.MustCompile(` (&&|@>|<@|%>|~~|>=|<=|=|<|>) `)
)

// shape is how a statement finds its rows: by which indexes, whether straight or through a bitmap, with which operators beside the
// tenant's equality.
func shape(plan string) string {
	var parts []string
	for _, line := range strings.Split(plan, "\n") {
		if m := read.FindStringSubmatch(line); m != nil {
			parts = append(parts, strings.TrimSpace(m[1]+" "+m[2]))
		}
		if m := cond.FindStringSubmatch(line); m != nil {
			for _, op := range operator.FindAllStringSubmatch(tenants.ReplaceAllString(m[1], ""), -1) {
				parts = append(parts, op[1])
			}
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "\n")
}

// compared says where plans under row-level security find their rows otherwise than without it.
func compared(with, without []executed) (faults []string) {
	of := map[string]executed{}
	for _, e := range without {
		of[e.question+e.sql] = e
	}
	for _, e := range with {
		bare, known := of[e.question+e.sql]
		if !known {
			faults = append(faults, fmt.Sprintf("%s: sent under row-level security alone:\n%s", e.question, e.sql))
		} else if shape(e.plan) != shape(bare.plan) {
			faults = append(faults, fmt.Sprintf("%s: %s\n--- with row-level security\n%s\n--- without\n%s", e.question, e.sql, e.plan, bare.plan))
		}
	}
	return faults
}

// samePlans does every errand a few times in both databases, and says where row-level security has a statement find its rows in
// another way, or read all of a table that grows.
func (g *guarded) samePlans(t testing.TB, from int, more ...string) (with []executed, faults []string) {
	t.Helper()
	with = g.explained(t, g.url, from, planned, more...)
	faults = append(refused(with), compared(with, g.explained(t, g.openURL, from, planned, more...))...)
	return with, faults
}

// planned is how often a statement is sent until its plan is kept, and more.
const planned = 12

func TestHotStatementsKeepTheirPlansUnderRowLevelSecurity(t *testing.T) {
	p := plan{pairs: 1, window: 3, warm: 1}
	g := newGuarded(t, size{200, 3000}, planned+p.windows()*p.window)
	// A small table is best read whole, so that without this nothing would show here.
	plans, faults := g.samePlans(t, 0, "enable_seqscan = off")
	for _, fault := range faults {
		t.Error(fault)
	}
	for _, e := range errands {
		if !slices.ContainsFunc(plans, func(x executed) bool { return x.question == e.name && shape(x.plan) != "" }) {
			t.Errorf("no plan of %s was told", e.name)
		}
		if r, _, _ := e.versus(t, g, newHouse(t, g.url, g.Keys), newHouse(t, g.openURL, g.Keys), planned, p); r.median <= 0 {
			t.Errorf("%s: %v", e.name, r)
		}
	}
}

// versus measures an errand with row-level security against without, in turn: the ratio, and milliseconds.
func (e errand) versus(t testing.TB, g *guarded, with, without *house, from int, p plan) (r ratio, a, b float64) {
	t.Helper()
	as, bs := p.versus(t, e.measured(g, with, from), e.measured(g, without, from))
	return ratioOf(as, bs), median(as), median(bs)
}

const mostSlower = 1.3 // times

// What row-level security costs: the SQL of what the program does all day, with it against without, one connection, not waiting for the
// disk.
func BenchmarkRowLevelSecurityAt1705Providers100000Appointments(b *testing.B) {
	bookings := planned
	for _, e := range errands {
		bookings = max(bookings, planned+e.plan.windows()*e.plan.window)
	}
	g := newGuarded(b, size{1705, 100_000}, bookings)
	b.Run("Plans", func(b *testing.B) {
		plans, faults := g.samePlans(b, 0)
		keepPlans(b, g.told(context.Background(), b, plans))
		for _, fault := range faults {
			b.Error(fault)
		}
	})
	with, without := newHouse(b, g.url, g.Keys), newHouse(b, g.openURL, g.Keys)
	for _, e := range errands {
		b.Run(e.name, func(b *testing.B) {
			r, a, c := e.versus(b, g, with, without, planned, e.plan)
			report(b, r, fmt.Sprintf("%s: SQL of %s, medians of %d windows of %d in turn: %.3f ms with row-level security, %.3f without; ratio %v",
				g.size, e.told, e.plan.pairs, e.plan.window, a, c, r))
			if r.low > mostSlower {
				b.Errorf("row-level security makes it %v times as slow", r)
			}
		})
	}
}

func TestAShapeIsWhereAndHowRowsAreFound(t *testing.T) {
	const bare = `Nested Loop  (cost=0.1..2 rows=1 width=4)
  ->  Seq Scan on a  (cost=0..1)
  ->  Index Scan Backward using b_pkey on b  (cost=0..1)
        Index Cond: ((organization_id = a.organization_id) AND (starts_at >= $1) AND (id = ANY ($2)))
        Filter: (n > 3)
  ->  Bitmap Heap Scan on c  (cost=0..1)
        ->  Bitmap Index Scan on c_by_text  (cost=0..1)
              Index Cond: (text ~~ 'x%'::text)`
	want := "= >= Seq Scan a b_pkey c_by_text ~~"
	if got := strings.ReplaceAll(shape(bare), "\n", " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	one := []executed{{question: "q", sql: "SELECT", plan: bare}}
	slower := []executed{{question: "q", sql: "SELECT", plan: strings.Replace(bare, "(starts_at >= $1) AND ", "", 1)}}
	other := []executed{{question: "q", sql: "SELECT", plan: strings.ReplaceAll(bare, "organization_id = a.organization_id", "organization_id = $0")}}
	if n := len(compared(one, one)) + len(compared(other, one)); n != 0 {
		t.Errorf("%d differences that are none", n)
	}
	if faults := compared(slower, one); len(faults) != 1 {
		t.Errorf("a condition that the index no longer answers wasn't seen: %v", faults)
	}
}
