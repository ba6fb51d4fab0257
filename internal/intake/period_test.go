package intake

import (
	"fmt"
	"strings"
	"testing"

	"cloud.google.com/go/civil"
)

func TestAPeriodLeavesStrayDaysOut(t *testing.T) {
	for _, c := range []struct{ name, days, want string }{
		{"nothing", "", "0000-00-00 to 0000-00-00"},
		{"one day", "2023-03-24:1", "2023-03-24 to 2023-03-24"},
		{"two weeks", "2023-03-24:100 2023-04-06:1", "2023-03-24 to 2023-04-06"},
		{"a day of twenty years before", "2003-03-25:1 2023-03-24:700 2023-04-06:700", "2023-03-24 to 2023-04-06"},
		{"of the year before", "2022-04-06:1 2023-03-24:700 2023-04-06:700", "2023-03-24 to 2023-04-06"},
		{"of the year after", "2023-03-24:700 2023-04-06:700 2024-03-24:1", "2023-03-24 to 2023-04-06"},
		{"on both sides", "2003-03-25:1 2023-03-24:700 2123-03-24:2", "2023-03-24 to 2023-03-24"},
		{"as far as can be", "2023-01-01:1 2023-09-28:5", "2023-01-01 to 2023-09-28"},
		{"a day further", "2023-01-01:1 2023-09-29:5", "2023-09-29 to 2023-09-29"},
		{"in steps that are small enough", "2023-01-01:1 2023-09-28:5 2024-06-24:1", "2023-01-01 to 2024-06-24"},
		{"two of three", "2003-03-25:1 2023-03-24:2", "2023-03-24 to 2023-03-24"},
		{"half and half", "2003-03-25:2 2023-03-24:2", "2003-03-25 to 2023-03-24"},
		{"no half", "2003-03-25:2 2013-03-24:1 2023-03-24:2", "2003-03-25 to 2023-03-24"},
	} {
		days := map[civil.Date]int{}
		for _, field := range strings.Fields(c.days) {
			day, err := civil.ParseDate(field[:10])
			if err != nil {
				t.Fatal(err)
			}
			var n int
			fmt.Sscan(field[11:], &n)
			days[day] = n
		}
		p := mainPeriod(days)
		if got := fmt.Sprint(p.first, " to ", p.last); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
