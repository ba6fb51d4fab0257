package links

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/text/currency"

	"github.com/mediconnect/mediconnect/internal/clinic"
)

// page is what is shown. Empty fields are left out.
type page struct {
	words
	Organization, Visit, Phone string
	Said                       string // above everything else: what came of a press, or why there is nothing
	Version                    int
	Answer                     string // of an offer: by when
	Impossible                 string // of one in place of a visit: that this can't take place
	Confirmed, Cancellable     bool
	Pending                    bool   // the clinic has yet to approve it
	Fee                        string // that cancelling costs
	MinorUnits                 int
	Mails                      bool // they can be ended here
	Ending                     bool // it is the page that ends mails, and shows no visit
	App                        string
	Back                       bool // to the visit
	Token                      string
}

const style = `body{font-family:sans-serif;line-height:1.5;max-width:36em;margin:2em auto;padding:0 1em}button,.go{font:inherit;padding:.6em 1em;margin:.25em 0}` +
	`form{margin:1em 0}[role=status]{border-left:.3em solid;padding-left:1em}`

// policy lets a page use its own style and send its own form, and nothing else.
var policy = "default-src 'none'; style-src 'sha256-" + digest(style) + "'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

var pages = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="{{.Tag}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>{{if .Impossible}}{{.Instead}}{{else if .Answer}}{{.Offer}}{{else}}{{.Title}}{{end}}</title><style>` + style + `</style></head>
<body><main>
<h1>{{if .Impossible}}{{.Instead}}{{else if .Answer}}{{.Offer}}{{else}}{{.Title}}{{end}}</h1>
{{with .Said}}<p role="status">{{.}}</p>
{{end}}{{with .App}}<p><a class="go" href="{{.}}">{{$.Choose}}</a></p>
{{end}}{{if .Back}}<p><a href="{{.Token}}">{{.Return}}</a></p>
{{end}}{{with .Impossible}}<p>{{.}}</p>
{{end}}{{with .Visit}}<p><strong>{{.}}</strong></p>
<p>{{$.Organization}}</p>
{{if $.Answer}}<p>{{$.Until}} {{$.Answer}}</p>
<form method="post"><input type="hidden" name="version" value="{{$.Version}}"><button name="do" value="confirm">{{$.Take}}</button></form>
<form method="post"><input type="hidden" name="version" value="{{$.Version}}"><button name="do" value="cancel">{{$.Decline}}</button></form>
{{else}}{{if $.Confirmed}}<p>{{$.IsConfirmed}}</p>
{{else if $.Pending}}<p>{{$.Waits}}</p>
{{else}}<form method="post"><input type="hidden" name="version" value="{{$.Version}}"><button name="do" value="confirm">{{$.Confirm}}</button></form>
{{end}}<form method="post"><input type="hidden" name="version" value="{{$.Version}}"><button name="do" value="move">{{$.Move}}</button></form>
{{if $.Cancellable}}<form method="post"><input type="hidden" name="version" value="{{$.Version}}">
{{if $.Fee}}<p>{{$.Costs}} <strong>{{$.Fee}}</strong></p>
<p><label><input type="checkbox" name="fee" value="{{$.MinorUnits}}" required> {{$.Accept}}</label></p>
{{end}}<button name="do" value="cancel">{{$.Cancel}}</button></form>
{{end}}{{end}}{{with $.Phone}}<p>{{$.Call}} <a href="tel:{{.}}">{{.}}</a></p>
{{end}}{{if $.Mails}}<form method="post"><button name="do" value="unsubscribe">{{$.End}}</button></form>
{{end}}{{end}}{{if .Ending}}<p>{{.Ends}}</p>
<form method="post"><button name="do" value="unsubscribe">{{.End}}</button></form>
{{end}}</main></body></html>
`))

// private are the headers of every page, whoever it is served behind: a link is a secret.
func private(head http.Header) {
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Security-Policy", policy)
	head.Set("Cache-Control", "private, no-store")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Frame-Options", "DENY")
	head.Set("X-Robots-Tag", "noindex")
}

func (p Pages) show(v visit, status int, shows page) error {
	var written bytes.Buffer
	if err := pages.Execute(&written, shows); err != nil {
		return err
	}
	v.w.WriteHeader(status)
	_, _ = v.w.Write(written.Bytes()) // nobody is left to tell
	return nil
}

// money writes an amount with its currency's code: USD 20.00.
func money(m clinic.Money) string {
	unit, err := currency.ParseISO(m.Currency)
	digits := 2
	if err == nil {
		digits, _ = currency.Standard.Rounding(unit)
	}
	units := strconv.Itoa(m.MinorUnits)
	if digits == 0 {
		return m.Currency + " " + units
	}
	units = strings.Repeat("0", max(0, digits+1-len(units))) + units
	return fmt.Sprintf("%s %s.%s", m.Currency, units[:len(units)-digits], units[len(units)-digits:])
}
