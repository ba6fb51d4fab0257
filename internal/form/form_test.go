package form_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

// judge runs one check and compares its verdict; a refusal has to name the path.
func judge(t *testing.T, name string, accepted bool, check func(*form.Check)) {
	t.Helper()
	var c form.Check
	check(&c)
	var fault *errs.Error
	switch {
	case accepted && c.Err() != nil:
		t.Errorf("%s: refused: %v", name, c.Err())
	case !accepted && c.Err() == nil:
		t.Errorf("%s: accepted", name)
	case !accepted && (!errors.As(c.Err(), &fault) || fault.Kind != errs.InvalidInput || !slices.Equal(fault.Path, []string{"field"})):
		t.Errorf("%s: the refusal %#v is no bad input at [field]", name, c.Err())
	}
}

type verdicts[T any] struct{ good, bad []T }

func (v verdicts[T]) judge(t *testing.T, check func(*form.Check, T)) {
	t.Helper()
	for _, value := range v.good {
		judge(t, quoted(value), true, func(c *form.Check) { check(c, value) })
	}
	for _, value := range v.bad {
		judge(t, quoted(value), false, func(c *form.Check) { check(c, value) })
	}
}

func TestLines(t *testing.T) {
	verdicts[string]{
		good: []string{"A", strings.Repeat("ü", 200), "  padded  ", "O'Neil – 王", "👩\u200d⚕️", "می\u200cخواهم", "e\u0301", "-"},
		bad: []string{"\u202e", "\u200b\u200d", "\u00ad \u2060", "\u3164", "\u2800", "\ufeff", "\u0301", "\U000e0041", "\ufe0f",
			"", "   ", strings.Repeat("ü", 201), "a\x00b", "a\nb", "a\x7fb", "\xff", "a\xc3"},
	}.judge(t, func(c *form.Check, s string) { c.Line(s, 200, "field") })
	var c form.Check
	if got := c.Line("  Rite Aid \n", 200); got != "Rite Aid" {
		t.Errorf("a line is kept as %q", got)
	}
}

func TestTexts(t *testing.T) {
	verdicts[string]{
		good: []string{"", "one\r\n\ttwo", strings.Repeat("x", 2000), strings.Repeat("ü", 2000)},
		bad:  []string{strings.Repeat("x", 2001), strings.Repeat("x", 10_000), "a\x00b", "a\x1bb", "\xff", "\u202e"},
	}.judge(t, func(c *form.Check, s string) { c.OptionalText(&s, form.MaxText, "field") })
	var c form.Check
	blank := "  \n"
	if c.OptionalText(&blank, 10) != nil || c.OptionalLine(&blank, 10) != nil || c.OptionalText(nil, 10) != nil {
		t.Error("a text of nothing but space is no text")
	}
}

func TestListsOfLines(t *testing.T) {
	list := func(n int) []string { return slices.Repeat([]string{"a"}, n) }
	verdicts[int]{good: []int{0, 10}, bad: []int{11}}.judge(t, func(c *form.Check, n int) { c.Lines(list(n), 10, 200, "field") })
	var c form.Check
	c.Lines([]string{"a", ""}, 10, 200, "lines")
	var fault *errs.Error
	if !errors.As(c.Err(), &fault) || !slices.Equal(fault.Path, []string{"lines", "1"}) {
		t.Errorf("the empty second line is reported as %#v", c.Err())
	}
}

func TestPhones(t *testing.T) {
	verdicts[string]{
		good: []string{"+1201555", "+12015550123", "+123456789012345"},
		bad:  []string{"", "+120155", "+1234567890123456", "12015550123", "+02015550123", "+1 201 555 0123", "+1201555012a", "+12015550123\n"},
	}.judge(t, func(c *form.Check, s string) { c.Phone(s, "field") })
}

func TestEmails(t *testing.T) {
	long := strings.Repeat("a", 242) + "@example.org"
	verdicts[string]{
		good: []string{"a@b.org", "First.Last+tag@example.org", long},
		bad:  []string{"", "a", "a@", "@b", "a b@c.org", "A <a@b.org>", "<a@b.org>", "a@b.org, c@d.org", "a@b.org\x00", "a" + long},
	}.judge(t, func(c *form.Check, s string) { c.Email(s, "field") })
}

func TestLanguages(t *testing.T) {
	verdicts[string]{
		good: []string{"en", "es-MX", "zh-Hant-TW", "es-419", "de-CH-1996", "x-clinic"},
		bad:  []string{"", "e", "en_US", "english language", "en-", "en--US", "\x00", strings.Repeat("en-", 40)},
	}.judge(t, func(c *form.Check, s string) { c.Language(s, "field") })
	var c form.Check
	if got := c.Language("ES-mx"); got != "es-MX" {
		t.Errorf("ES-mx is kept as %q", got)
	}
}

func TestCountries(t *testing.T) {
	verdicts[string]{
		good: []string{"US", "DE", "GB"},
		bad:  []string{"", "U", "USA", "us", "ZZ", "EU", "12", "001", "U\x00"},
	}.judge(t, func(c *form.Check, s string) { c.Country(s, "field") })
}

func TestZones(t *testing.T) {
	verdicts[string]{
		good: []string{"America/New_York", "Europe/Berlin", "UTC"},
		bad:  []string{"", "EST", "+02:00", "Europe/Nowhere", "europe/berlin", "../etc/passwd", "Local"},
	}.judge(t, func(c *form.Check, s string) { c.Zone(s, "field") })
}

func TestSystems(t *testing.T) {
	verdicts[string]{
		good: []string{
			"https://example.org/mrn", "http://example.org", "urn:oid:2.16.840.1.113883", "urn:uuid:0-1",
			"https://e.org/" + strings.Repeat("a", 486),
		},
		bad: []string{
			"", "example.org", "/mrn", "ftp://example.org", "javascript:alert(1)", "https://", "https:///x", "urn:", "urn:x:", "urn:oid",
			"https://e.org/a b", "https://e.org/\x00", "https://e.org/\xff", "https://e.org/" + strings.Repeat("a", 487),
		},
	}.judge(t, func(c *form.Check, s string) { c.System(s, "field") })
}

func TestNumbers(t *testing.T) {
	verdicts[int]{good: []int{1, 1000}, bad: []int{-1, 0, 1001}}.judge(t, func(c *form.Check, n int) { c.Count(n, 1, 1000, "field") })
	verdicts[float64]{
		good: []float64{-90, 0, 90}, bad: []float64{-90.000001, 90.000001, math.NaN(), math.Inf(1), math.Inf(-1)},
	}.judge(t, func(c *form.Check, d float64) { c.Degrees(d, 90, "field") })
	var c form.Check
	if tiny, small := c.Degrees(5e-324, 90), c.Degrees(-1e-11, 90); tiny != 0 || small != -1e-11 {
		t.Errorf("degrees too small to see are %v, others %v", tiny, small)
	}
}

func TestDurations(t *testing.T) {
	within := form.Span{Least: time.Minute, Most: time.Hour, Unit: time.Minute}
	verdicts[time.Duration]{
		good: []time.Duration{time.Minute, time.Hour},
		bad:  []time.Duration{-time.Minute, 0, 59 * time.Second, 90 * time.Second, time.Minute + 1, time.Hour + time.Minute},
	}.judge(t, func(c *form.Check, d time.Duration) { c.Duration(&d, 0, within, "field") })
	var c form.Check
	if got := c.Duration(nil, 7*time.Minute, within); got != 7*time.Minute || c.Err() != nil {
		t.Errorf("a duration left out is %v (%v)", got, c.Err())
	}
}

func TestDates(t *testing.T) {
	day := func(y int, m time.Month, d int) civil.Date { return civil.Date{Year: y, Month: m, Day: d} }
	verdicts[civil.Date]{
		good: []civil.Date{day(2000, 1, 1), day(2024, 2, 29), day(2199, 12, 31)},
		bad:  []civil.Date{{}, day(1999, 12, 31), day(2200, 1, 1), day(2023, 2, 29), day(2024, 13, 1), day(2024, 4, 31)},
	}.judge(t, func(c *form.Check, d civil.Date) { c.Date(d, "field") })
	at := func(h, m, s, n int) civil.DateTime {
		return civil.DateTime{Date: day(2026, 1, 1), Time: civil.Time{Hour: h, Minute: m, Second: s, Nanosecond: n}}
	}
	verdicts[civil.DateTime]{
		good: []civil.DateTime{at(0, 0, 0, 0), at(23, 59, 0, 0)},
		bad:  []civil.DateTime{at(24, 0, 0, 0), at(23, 59, 59, 0), at(9, 0, 0, 1), {Date: day(2026, 2, 30)}},
	}.judge(t, func(c *form.Check, d civil.DateTime) { c.Minute(d, "field") })
}

func TestTheFirstFaultIsKept(t *testing.T) {
	var c form.Check
	c.Line("", 10, "one")
	c.Line("", 10, "two")
	var fault *errs.Error
	if !errors.As(c.Err(), &fault) || fault.Path[0] != "one" {
		t.Errorf("the fault is %#v", c.Err())
	}
}

func quoted(v any) string {
	if s, ok := v.(string); ok && len(s) > 40 {
		return s[:40] + "…"
	}
	return fmt.Sprintf("%#v", v)
}
