package intake

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func TestTextsAreAsLongAsTheDirectoryTakesThem(t *testing.T) {
	xs := func(n int) string { return strings.Repeat("x", n) }
	with := func(old, new string) string { return strings.Replace(testSite, old, new, 1) }
	lines := func(n, length int) string {
		return with(`["907 North High Street"]`, `["`+strings.TrimSuffix(strings.Repeat(xs(length)+`","`, n), `","`)+`"]`)
	}
	for _, c := range []struct{ name, line, reason string }{
		{"a name", with("Corner Pharmacy", xs(200)), ""},
		{"a name too long", with("Corner Pharmacy", xs(201)), "name: At most 200 characters"},
		{"an address line", lines(1, 200), ""},
		{"an address line too long", lines(1, 201), "addressLines.0: At most 200 characters"},
		{"as many lines as can be", lines(9, 50), ""},
		{"one more", lines(10, 50), "addressLines: At most 10 lines"},
		{"a city too long", with("Millville", xs(201)), "addressLines.1: At most 200 characters"},
		{"a foreign code", strings.Replace(with(`"NJ"`, `"Ontario","country":"CA"`), "08332", xs(20), 1), ""},
		{"a foreign code too long", strings.Replace(with(`"NJ"`, `"Ontario","country":"CA"`), "08332", xs(21), 1), "postalCode: At most 20 characters"},
		{"all together too long", lines(9, 199), "more than 2000 bytes of text"},
		{"an identifier too long, so another is taken", with(`"A1"`, `"`+xs(201)+`"`), ""},
	} {
		p := readTest(t, []string{c.line}, nil, nil)
		if got := fmt.Sprint(p.report.Refused); (c.reason == "") != (len(p.sites) == 1) || !strings.Contains(got, c.reason) {
			t.Errorf("%s: %d sites, refused %v, want %q", c.name, len(p.sites), got, c.reason)
		}
	}
	desk := func(coding, vaccine string) string {
		return strings.Replace(testDesk, `}]}`, `}],"serviceType":[{"coding":[{`+coding+`}]}],"extension":[{"url":"`+vaccineProductURL+
			`","valueCoding":{"display":"`+vaccine+`"}}]}`, 1)
	}
	for _, c := range []struct{ name, line, label, reason string }{
		{"a code", desk(`"code":"`+xs(200)+`"`, "V"), "V", ""},
		{"a code too long", desk(`"code":"`+xs(201)+`"`, "V"), "", "code: At most 200 characters"},
		{"a display", desk(`"code":"c","display":"`+xs(200)+`"`, xs(200)), xs(200), ""},
		{"a display too long", desk(`"code":"c","display":"`+xs(201)+`"`, "V"), "", "display: At most 200 characters"},
		{"a label too long, so the id is taken", desk(`"code":"c"`, xs(201)), "7", ""},
	} {
		p := readTest(t, []string{testSite}, []string{c.line}, nil)
		d := p.desks["7"]
		if got := fmt.Sprint(p.report.Refused); (c.reason == "") != (d != nil) || d != nil && d.label != c.label || !strings.Contains(got, c.reason) {
			t.Errorf("%s: %v, refused %v, want %q", c.name, d, got, c.reason)
		}
	}
}

// Texts are cut out of lines that would otherwise stay in memory whole.
func TestOfALongLineLittleIsKept(t *testing.T) {
	const count, padding = 100, 20_000
	blank := strings.Repeat(" ", padding)
	var sites, desks []string
	for i := range count {
		id := fmt.Sprintf(`"id":"%d"`, i)
		sites = append(sites, strings.NewReplacer(`"id":"1"`, id, "A1", fmt.Sprint("A", i, blank), "https://ids", blank+"https://ids", "Corner Pharmacy", "Corner"+blank,
			"Millville", "Millville"+blank, "907 North High Street", blank+"High", "08332", blank+"08332").Replace(testSite))
		desks = append(desks, strings.NewReplacer(`"id":"7"`, id, "Location/1", fmt.Sprint("Location/", i),
			`}]}`, `}],"serviceType":[{"coding":[{"code":"c`+blank+`","display":"d`+blank+`"}]}]}`).Replace(testDesk))
	}
	if _, err := WorldZones(); err != nil { // so that they aren't counted
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	p := readTest(t, sites, desks, nil)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int(after.HeapAlloc) - int(before.HeapAlloc); kept > count*padding/2 || len(p.sites) != count || len(p.desks) != count {
		t.Errorf("%d sites and %d schedules keep %d bytes, refused %v", len(p.sites), len(p.desks), kept, p.report.Refused)
	}
	runtime.KeepAlive(p)
	runtime.KeepAlive(sites)
	runtime.KeepAlive(desks)
}
