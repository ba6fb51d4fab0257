package intake

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

func TestLinesAreCountedAndBounded(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, c := range []struct{ name, text, want string }{
		{"unix ends", "a\nb\n", "1:a 2:b "},
		{"windows ends", "a\r\nb\r\n", "1:a 2:b "},
		{"no end at the end", "a\nb", "1:a 2:b "},
		{"blank lines", "\n\n a \n\t\nb", "3:a 5:b "},
		{"byte order mark", "\ufeffa\n", "1:a "},
		{"nothing", "", ""},
		{"as long as can be", long + "\nb", fmt.Sprintf("1:%d bytes 2:b ", maxLine)},
		{"a byte too long", long + "y\r\nb", "1:too long 2:b "},
		{"far too long, at the end", "a\n" + long + long, "1:a 2:too long "},
	} {
		var got strings.Builder
		for l, err := range lines(iotest.HalfReader(strings.NewReader(c.text))) {
			switch {
			case err != nil:
				t.Fatal(err)
			case l.tooLong:
				fmt.Fprintf(&got, "%d:too long ", l.number)
			case len(l.text) > 100:
				fmt.Fprintf(&got, "%d:%d bytes ", l.number, len(l.text))
			default:
				fmt.Fprintf(&got, "%d:%s ", l.number, l.text)
			}
		}
		if got.String() != c.want {
			t.Errorf("%s: %q, want %q", c.name, got.String(), c.want)
		}
	}
}

func TestAFailureToReadComesLast(t *testing.T) {
	broken := errors.New("cable cut")
	count := 0
	for _, err := range lines(io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(broken))) {
		if count++; (count < 3) != (err == nil) || count == 3 && !errors.Is(err, broken) {
			t.Errorf("line %d: %v", count, err)
		}
	}
	if count != 3 {
		t.Errorf("%d lines", count)
	}
}

// Whatever a line holds, it is taken or refused with a sentence of bounded length that a terminal can show.
func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Slot","id":"1","schedule":{"reference":"Schedule/1"},"status":"free","start":"2023-03-25T09:00:00-05:00","end":"2023-03-25T18:00:00-05:00","extension":[{"url":"` + slotCapacityURL + `","valueInteger":33}]}`))
	f.Add([]byte(`{"resourceType":"Location","id":"1","name":"A","address":{"line":["1 High St"],"city":"Millville","state":"NJ","postalCode":"8332-3762"},"telecom":[{"system":"phone","value":"(856) 825-774"}],"position":{"latitude":39.4,"longitude":-75}}`))
	f.Add([]byte(`{"resourceType":"Schedule","id":"1","actor":[{"reference":"Location/1"}],"serviceType":[{"coding":[{"system":"s","code":"c"}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p := sample(t)
		p.files = []string{"file"}
		for _, take := range []func([]byte, place) error{p.takeSite, p.takeDesk, p.takeSlot} {
			p.takeLine(line{number: 1, text: text}, take)
		}
		p.settle()
		for _, r := range p.report.Refused {
			if len(r.Reason) > 600 || strings.ContainsFunc(r.Reason, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("a refusal says %q", r.Reason)
			}
		}
		for _, s := range p.sites {
			if s.put.Name == "" || s.zone == nil || s.put.PostalCode != nil && *s.put.PostalCode == "" {
				t.Errorf("a site was taken as %+v", s.put)
			}
		}
		for _, d := range p.desks {
			for _, w := range d.windows {
				if w.from >= w.to || w.capacity < 1 {
					t.Errorf("a window was taken as %+v", w)
				}
			}
		}
	})
}

// sample is a publication with one site, 1, and its desk, 1.
func sample(t *testing.T) *publication {
	t.Helper()
	p := newPublication(func(clinic.GeoPoint) string { return "America/New_York" }, func(Progress) {})
	err := errors.Join(
		p.takeSite([]byte(`{"resourceType":"Location","id":"1","name":"A","position":{"latitude":40,"longitude":-75}}`), place{}),
		p.takeDesk([]byte(`{"resourceType":"Schedule","id":"1","actor":[{"reference":"Location/1"}]}`), place{}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
