package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// bundle is a FHIR Bundle (https://hl7.org/fhir/R4/bundle.html), each entry with the line of the file that it begins in.
type bundle struct {
	kind    string
	entries []bundleEntry
}

type bundleEntry struct {
	line int
	text json.RawMessage
}

// fhirEntry is what an entry says.
type fhirEntry struct {
	FullURL  string          `json:"fullUrl"`
	Resource json.RawMessage `json:"resource"`
	Request  struct {
		Method string `json:"method"`
		URL    string `json:"url"`
	} `json:"request"`
}

// The types of bundles that are read.
const (
	bundleHistory     = "history"
	bundleTransaction = "transaction"
	bundleBatch       = "batch"
)

var bundleKinds = []string{"collection", "searchset", bundleHistory, bundleTransaction, bundleBatch}

// readBundle takes a bundle apart. Its first line has a number of the file.
func readBundle(text []byte, first int) (bundle, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := readable(json.Unmarshal(text, &head)); err != nil {
		return bundle{}, err
	}
	if !slices.Contains(bundleKinds, head.Type) {
		return bundle{}, refuse("a Bundle of the type %s", quoted(head.Type))
	}
	entries, err := entriesOf(text, first)
	return bundle{kind: head.Type, entries: entries}, err
}

// entriesOf walks through an object of valid JSON.
func entriesOf(text []byte, line int) (entries []bundleEntry, err error) {
	in := json.NewDecoder(bytes.NewReader(text))
	if _, err := in.Token(); err != nil { // the brace
		return nil, err
	}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return nil, err
		}
		if key != "entry" {
			var other json.RawMessage
			if err := in.Decode(&other); err != nil {
				return nil, err
			}
			continue
		}
		if bracket, err := in.Token(); err != nil || bracket != json.Delim('[') {
			return nil, errors.Join(err, refusal("entry is no list"))
		}
		if entries, err = listed(in, text, line, entries); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// listed reads the elements of a list up to its end.
func listed(in *json.Decoder, text []byte, line int, entries []bundleEntry) ([]bundleEntry, error) {
	counted := 0
	for in.More() {
		if len(entries) == maxEntries {
			return nil, refuse("more than %d entries", maxEntries)
		}
		begin := int(in.InputOffset())
		begin += len(text[begin:]) - len(bytes.TrimLeft(text[begin:], " \t\r\n,"))
		line += bytes.Count(text[counted:begin], []byte("\n"))
		counted = begin
		e := bundleEntry{line: line}
		if err := in.Decode(&e.text); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	_, err := in.Token() // the bracket
	return entries, err
}

// maxEntries bounds what one bundle may hold.
const maxEntries = 500_000

// brokenAt is the line in which a text stops being JSON, or 1.
func brokenAt(text []byte, err error) int {
	wrong, ok := errors.AsType[*json.SyntaxError](err)
	if !ok || wrong.Offset > int64(len(text)) {
		return 1
	}
	return 1 + bytes.Count(text[:wrong.Offset], []byte("\n"))
}

// validJSON says where and why a file's text is none.
func validJSON(text []byte) (line int, err error) {
	if !utf8.Valid(text) {
		return 1, refusal("not valid UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return brokenAt(text, err), fmt.Errorf("%w, so nothing of the file is taken", readable(err))
	}
	return 1, nil
}
