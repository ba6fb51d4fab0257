package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// refusal says in a sentence why a line isn't taken.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// quoteLimit keeps what a publication wrote short in a report, in bytes.
const quoteLimit = 60

// quoted shows a publication's text without letting it write to a terminal.
func quoted(s string) string { return strconv.Quote(short(s)) }

func short(s string) string {
	if len(s) > quoteLimit {
		s = strings.ToValidUTF8(s[:quoteLimit], "") + "…"
	}
	return s
}

// decode reads one line's JSON object, or says what is wrong with it in words that name no type of ours.
func decode(text []byte, resourceType string, into any) error {
	if !utf8.Valid(text) {
		return refusal("not valid UTF-8")
	}
	var head struct {
		ResourceType string `json:"resourceType"`
	}
	if err := readable(json.Unmarshal(text, &head)); err != nil {
		return err
	}
	if head.ResourceType != resourceType {
		return refuse("resourceType is %s, not %s", quoted(head.ResourceType), resourceType)
	}
	return readable(json.Unmarshal(text, into))
}

func readable(err error) error {
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return refuse("a JSON %s instead of an object", short(wrong.Value))
		}
		return refuse("%s can't be a JSON %s", published(wrong.Field), short(wrong.Value))
	}
	return refuse("not JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// published leaves those of our types out of a field's path that are embedded in others.
func published(path string) string {
	names := strings.Split(path, ".")
	return strings.Join(slices.DeleteFunc(names, func(name string) bool { return name == "fhirLocation" || name == "fhirIdentifier" }), ".")
}
