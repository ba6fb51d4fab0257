package intake

import (
	"testing"

	"cloud.google.com/go/civil"
)

func TestAReportIsReadable(t *testing.T) {
	r := Report{
		Locations: 112, Providers: 111, Windows: 1430, Changed: 30, Withdrawn: 2, Kept: 3, Busy: 112, Schedules: 110, Visits: 46702, Shift: -3,
		First: civil.Date{Year: 2026, Month: 3, Day: 6}, Last: civil.Date{Year: 2026, Month: 3, Day: 19},
	}
	r.repaired(Note{Kind: PhoneDropped, File: "locations.ndjson", Line: 2, From: "(609) 877-700"})
	for range 1200 {
		r.repaired(Note{Kind: PostalCodePadded, File: "locations.ndjson", Line: 1, From: "8332", To: "08332"})
	}
	for range maxRefused + 2 {
		r.refuse(Refusal{File: "slots.ndjson", Line: 7, Reason: "no end"})
	}
	r.Refused = r.Refused[:2]
	const want = `Locations        112
Providers        111
Windows        1,430  open for 46,702 visits: 30 new or changed, 1,400 as before
Busy             112  windows that were published as full: not opened
Withdrawn          2  windows that are no longer published: closed
Kept               3  windows of earlier imports that may be in refused lines: left open
Weekly           110  schedules for the time after the published period
Period                2026-03-06 to 2026-03-19, moved by -3 days
Repaired       1,201
               1,200  ZIP code without its leading zeros: restored; first locations.ndjson line 1: "8332" → "08332"
                   1  not a whole phone number: dropped; first locations.ndjson line 2: "(609) 877-700"
Refused          102
  slots.ndjson line 7: no end
  slots.ndjson line 7: no end
  and 100 more
`
	if got := r.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1234: "-1,234", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
}
