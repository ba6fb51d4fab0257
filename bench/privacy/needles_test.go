package privacy_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// What is put into the inputs. Nothing that the program, its libraries or its servers say by themselves looks like it.
const (
	word   = "Zyxquill"      // in every name, text, key, address, code, cursor and id; short enough for a subtag of BCP 47
	accent = "Ørqvällê"      // in names and texts: what is escaped where words aren't
	born   = "1907-08-09"    //
	phone  = "+447911190708" //
	zone   = "Antarctica/Troll"
)

// needle is one way in which a canary would show.
type needle struct {
	of, form string
	text     []byte
	folded   bool // searched for without regard to case; the text is in lower case
}

// needles are the ways in which canaries would show. secrets are what the program itself made for somebody's eyes alone.
func needles(secrets ...string) (all []needle) {
	for _, canary := range append([]string{word, accent, born, phone[1:], zone}, secrets...) {
		all = append(all, ways(canary)...)
	}
	for _, date := range []string{"9 August 1907", "August 9, 1907", "09.08.1907", "08/09/1907", "09/08/1907", "1907-8-9", "{1907 August 9}", "{1907 8 9}"} {
		all = append(all, needle{of: born, form: "another spelling", text: []byte(strings.ToLower(date)), folded: true})
	}
	return all
}

func ways(canary string) (all []needle) {
	add := func(form, text string, folded bool) {
		if folded {
			text = strings.ToLower(text)
		}
		for _, n := range all {
			if string(n.text) == text {
				return
			}
		}
		all = append(all, needle{of: canary, form: form, text: []byte(text), folded: folded})
	}
	add("plain text", canary, true)
	escaped, _ := json.Marshal(canary) // a string has no fault
	add("JSON", strings.Trim(string(escaped), `"`), true)
	ascii := strconv.QuoteToASCII(canary)
	add("escaped", ascii[1:len(ascii)-1], true)
	add("URL-encoded", url.QueryEscape(canary), true)
	add("a path of a URL", url.PathEscape(canary), true)
	for _, spelling := range []string{canary, strings.ToLower(canary), strings.ToUpper(canary)} {
		add("hex", hex.EncodeToString([]byte(spelling)), true)
		for offset := range 3 {
			add("base64 at offset "+strconv.Itoa(offset), inBase64(spelling, offset, base64.RawStdEncoding), false)
			add("base64url at offset "+strconv.Itoa(offset), inBase64(spelling, offset, base64.RawURLEncoding), false)
		}
	}
	return all
}

// inBase64 is what every base64 text has that holds the text at a position of this remainder by three.
func inBase64(text string, offset int, encoding *base64.Encoding) string {
	encoded := encoding.EncodeToString([]byte(strings.Repeat("\x00", offset) + text))
	from := []int{0, 2, 3}[offset] // characters that also depend on what is before
	to := (offset + len(text)) * 8 / 6
	return encoded[from:to]
}

// look finds the canaries in what a place holds.
func look(in []needle, place string, text []byte) (hits []string) {
	folded := bytes.ToLower(text)
	for _, n := range in {
		where := text
		if n.folded {
			where = folded
		}
		if at := bytes.Index(where, n.text); at >= 0 {
			near := where[max(0, at-150):min(len(where), at+len(n.text)+60)]
			hits = append(hits, fmt.Sprintf("%s: %s, as %s, %d times, first: %q", place, n.of, n.form, bytes.Count(where, n.text), near))
		}
	}
	return hits
}

// Whatever is looked for would be found: in each of its forms, at each offset, among other text.
func TestACanaryIsFoundInEveryForm(t *testing.T) {
	in := needles()
	for _, canary := range []string{word, accent, born, phone, zone, strings.ToUpper(word), strings.ToLower(word)} {
		escaped, _ := json.Marshal(canary)
		hidden := []string{
			canary, string(escaped), strconv.QuoteToASCII(canary), url.QueryEscape(canary), url.PathEscape(canary),
			hex.EncodeToString([]byte("x" + canary + "y")), fmt.Sprintf(`\x%x`, canary), fmt.Sprintf("%X", canary),
		}
		for before := range 4 {
			for after := range 4 {
				text := []byte(strings.Repeat("?", before) + canary + strings.Repeat("?", after))
				hidden = append(hidden, base64.StdEncoding.EncodeToString(text), base64.RawURLEncoding.EncodeToString(text))
			}
		}
		for _, text := range hidden {
			if look(in, "", []byte("before "+text+" after")) == nil {
				t.Errorf("%s is not found in %s", canary, text)
			}
		}
	}
	if hits := look(in, "", []byte("2026-08-09 Europe/Berlin +12015550123 quill")); hits != nil {
		t.Errorf("found where it isn't: %v", hits)
	}
}
