package intake

import "testing"

func TestZIPCodesGetTheirZerosBack(t *testing.T) {
	for _, c := range []struct {
		published, state, want string
	}{
		{"08332-3762", "NJ", "08332-3762"},
		{"8332-3762", "NJ", "08332-3762"},
		{"8015-385", "NJ", "08015-0385"},
		{"7002", "NJ", "07002"},
		{"07002", "NJ", "07002"},
		{"501", "NY", "00501"},
		{"6390", "NY", "06390"},
		{"6391", "NY", ""},
		{"1234", "NY", ""}, // Massachusetts' if anybody's
		{"1234", "MA", "01234"},
		{"2799", "MA", "02799"},
		{"2801", "MA", ""},
		{"5501", "MA", "05501"},
		{"5501", "VT", ""},
		{"5601", "VT", "05601"},
		{"2801", "RI", "02801"},
		{"3801", "NH", "03801"},
		{"3901", "NH", ""},
		{"3901", "ME", "03901"},
		{"4999", "ME", "04999"},
		{"6001", "CT", "06001"},
		{"9999", "CT", ""},
		{"9999", "AE", "09999"},
		{"123", "NJ", ""},
		{"0123", "NJ", ""},
		{"601", "PR", "00601"},
		{"801", "PR", ""},
		{"801", "VI", "00801"},
		{"1601", "PR", ""},
		{"12345", "NJ", "12345"}, // whole, so nothing was guessed
		{"10001", "NY", "10001"},
		{"083323762", "NJ", "083323762"},
		{"90210", "CA", "90210"},
		{"90210-7", "CA", "90210-0007"},
		{"9021", "CA", ""}, // no Californian code begins with a zero: a digit is missing somewhere
		{"70", "NJ", ""},
		{"070022", "NJ", ""},
		{"07002-12345", "NJ", ""},
		{"07002-", "NJ", ""},
		{"O7002", "NJ", ""},
		{"", "NJ", ""},
	} {
		got, ok := zip(c.published, c.state)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("zip(%q, %s) = %q, %v; want %q", c.published, c.state, got, ok, c.want)
		}
	}
}

func TestPhoneNumbersAreWholeOrNothing(t *testing.T) {
	for _, c := range []struct {
		published string
		inUS      bool
		want      string
	}{
		{"(856) 825-7742", true, "+18568257742"},
		{"856.825.7742", true, "+18568257742"},
		{"1-856-825-7742", true, "+18568257742"},
		{"+1 856 825 7742", false, "+18568257742"},
		{"(609) 877-700", true, ""},
		{"(609) 877-70", true, ""},
		{"(609) 877-70001", true, ""},
		{"413-000-0000", true, ""},   // no exchange begins with 0
		{"(156) 825-7742", true, ""}, // no area begins with 1
		{"856-825-7742", false, ""},
		{"+1 856 825 774", true, ""},
		{"+44 20 7946 0018", false, "+442079460018"},
		{"+1234567", false, ""},
		{"+44123", false, ""},
		{"+4412345678901234", false, ""},
		{"856-825-7742 ext 5", true, ""},
		{"", true, ""},
	} {
		got, ok := e164(c.published, c.inUS)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("e164(%q, %v) = %q, %v; want %q", c.published, c.inUS, got, ok, c.want)
		}
	}
}
