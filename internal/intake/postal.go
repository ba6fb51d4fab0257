package intake

import (
	"regexp"
	"slices"
	"strings"
)

// A ZIP code whose parts may have lost leading zeros, as spreadsheets lose them; the ZIP+4 part is optional.
var shortZIP = regexp.MustCompile(`^([0-9]{3,5})(?:-([0-9]{1,4}))?$`)

var wholeZIP4 = regexp.MustCompile(`^[0-9]{9}$`)

// leadingZeros are how the ZIP codes of a state begin that begin with a zero, military post in Europe (AE) among them.
// New York's are one of Holtsville's and that of Fishers Island (Domestic Mail Manual, L002).
var leadingZeros = map[string][]string{
	"AE": {"09"},
	"CT": {"06"},
	"MA": {"01", "020", "021", "022", "023", "024", "025", "026", "027", "055"},
	"ME": {"039", "04"},
	"NH": {"030", "031", "032", "033", "034", "035", "036", "037", "038"},
	"NJ": {"07", "08"},
	"NY": {"005", "06390"},
	"PR": {"006", "007", "009"},
	"RI": {"028", "029"},
	"VI": {"008"},
	"VT": {"050", "051", "052", "053", "054", "056", "057", "058", "059"},
}

var states = strings.Fields(`
AA AE AK AL AP AR AS AZ CA CO CT DC DE FL GA GU HI IA ID IL IN KS KY LA MA MD ME MI MN MO MP MS MT NC ND NE NH NJ NM NV NY
OH OK OR PA PR RI SC SD TN TX UT VA VI VT WA WI WV WY`)

// isState says whether a code is one of the United States Postal Service's (Publication 28, appendix B).
func isState(code string) bool { return slices.Contains(states, code) }

// zip reads a ZIP code of a state and gives its parts back the zeros that they lost, where the state has such codes. Without
// ok it is no ZIP code.
func zip(published, state string) (code string, ok bool) {
	if wholeZIP4.MatchString(published) {
		return published, true
	}
	parts := shortZIP.FindStringSubmatch(published)
	if parts == nil {
		return "", false
	}
	code = zeros(5, parts[1])
	begins := func(with string) bool { return strings.HasPrefix(code, with) }
	if len(parts[1]) < 5 && !slices.ContainsFunc(leadingZeros[state], begins) {
		return "", false
	}
	if plus4 := parts[2]; plus4 != "" {
		code += "-" + zeros(4, plus4)
	}
	return code, true
}

func zeros(length int, digits string) string { return strings.Repeat("0", length-len(digits)) + digits }
