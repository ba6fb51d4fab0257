package resilience

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// Who runs the program reads the same table as the program.
func TestTheTableIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/consistency.md")
	if err != nil {
		t.Fatal(err)
	}
	for d := range table {
		if row := rowOf(d); !strings.Contains(string(text), row+"\n") {
			t.Errorf("docs/consistency.md should have the row\n%s", row)
		}
	}
}

func rowOf(d Dependency) string {
	p := PolicyOf(d)
	breaks, under := "–", "–"
	if b := p.Breaker; b.Last > 0 {
		breaks = fmt.Sprintf("%d of %d, %s, %d", b.Bad, b.Last, b.Pause, b.Probes)
	}
	if p.Places > 0 {
		under = fmt.Sprintf("%d, %d", p.Places, p.Queue)
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |", d, or(p.Connect), or(p.Call), or(p.Slow), breaks, under)
}

func or(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return d.String()
}

// A call ends after it was slow, and a guard's pause is longer than any of its calls, or probes of one pause would meet those of the next.
func TestThePoliciesFitTogether(t *testing.T) {
	for d, p := range table {
		if p.Connect <= 0 || p.Call < p.Connect || p.Slow >= p.Call {
			t.Errorf("%s: %+v", d, p)
		}
		if b := p.Breaker; p.Places > 0 && (p.Slow == 0 || 2*b.Bad != b.Last || b.Last != 20 || b.Pause != 30*time.Second || b.Probes != 3 || p.Call > b.Pause || p.Queue != 10*p.Places) {
			t.Errorf("%s: %+v", d, p)
		}
	}
}

func TestWhatIsNotInTheTableHasNoGuard(t *testing.T) {
	for what, made := range map[string]func(){
		"a guard of what isn't there": func() { GuardOf("nothing") }, "a guard of Redis": func() { GuardOf(Redis) },
		"a breaker of what isn't there": func() { For("nothing") }, "a breaker of PostgreSQL": func() { For(PostgreSQL) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("there is %s", what)
				}
			}()
			made()
		}()
	}
}
