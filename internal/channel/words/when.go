package words

import (
	"fmt"
	"strings"
	"time"

	"cloud.google.com/go/civil"
	"golang.org/x/text/language"
)

// manner is how a region writes times: those of the Common Locale Data Repository (CLDR 48, supplemental/timeData and dateFormats).
type manner struct{ twelve, monthFirst bool }

// Regions that write times of 12 hours, by language, and those where English puts the month before the day. Who speaks none of our
// languages reads English with the hours of their region, which is among the first only if they write English there.
var (
	twelveEnglish = regions("AG AS AU BB BM BS CA DM FJ FM GD GH GU GY HK IN JM KI KN KY LC LR MH MP MW MY NA NZ PG PH PK PR PW SB SG SL SZ TC TO TT UM US VC VG VI VU WS ZM")
	twelveSpanish = regions("AR BO CL CO CR CU DO EC GT HN MX NI PA PE PH PR PY SV US UY VE")
	monthEnglish  = regions("AS CA GU MH MP PH PR PW UM US VI")
)

func regions(list string) map[string]bool {
	set := map[string]bool{}
	for r := range strings.FieldsSeq(list) {
		set[r] = true
	}
	return set
}

// mannerOf is that of a region, which is the language's most likely one unless the tag names one.
func mannerOf(spoken, wanted language.Tag) manner {
	region, _ := wanted.Region()
	switch spoken {
	case language.English:
		return manner{twelveEnglish[region.String()], monthEnglish[region.String()]}
	case language.Spanish:
		return manner{twelve: twelveSpanish[region.String()]}
	}
	return manner{}
}

// moment is a local time with the names of its day and month.
type moment struct {
	civil.DateTime
	weekday, month string
}

func momentOf(t civil.DateTime, n names) moment {
	return moment{t, n.days[t.Date.In(time.UTC).Weekday()], n.months[t.Date.Month-1]}
}

// clock24 is 09:05.
func clock24(t civil.Time) string { return fmt.Sprintf("%02d:%02d", t.Hour, t.Minute) }

// clock12 is 9:05 with the half of the day. Noon is 12 of the second half, midnight of the first.
func clock12(t civil.Time, am, pm string) string {
	half := am
	if t.Hour >= 12 {
		half = pm
	}
	return fmt.Sprintf("%d:%02d %s", (t.Hour+11)%12+1, t.Minute, half)
}

// city is what people call an IANA zone by: the last part of America/Argentina/Buenos_Aires.
func city(zone string) string {
	return strings.ReplaceAll(zone[strings.LastIndexByte(zone, '/')+1:], "_", " ")
}
