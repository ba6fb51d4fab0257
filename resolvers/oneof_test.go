package resolvers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mediconnect/mediconnect/internal/access"
)

// Exclusive inputs are the same written out, as a variable, in parts, and inside one another, whichever way a request comes.
func TestAnExclusiveInputHasExactlyOneValue(t *testing.T) {
	a := serve(t, open())
	patient := a.as(t, access.PatientRole)
	const book = `mutation($input: BookAppointmentInput!) { bookAppointment(input: $input) { errors { __typename } } }`
	const part = `mutation($target: BookingTargetInput!) { bookAppointment(input: {target: $target, idempotencyKey: "k"}) { errors { __typename } } }`
	const parts = `mutation($slot: ID, $hold: ID) { bookAppointment(input: {target: {slotId: $slot, holdId: $hold}, idempotencyKey: "k"}) { errors { __typename } } }`
	const search = `query($where: AvailabilitySearchInput!) { searchAvailability(where: $where) { streamCursor } }`
	slot, hold := a.slotID(), a.holdID()
	both := vars{"slotId": slot, "holdId": hold}
	for name, c := range map[string]struct {
		document  string
		variables vars
		path      string // of the fault; empty: there is none
	}{
		"one":                          {book, input(vars{"target": vars{"slotId": slot}, "idempotencyKey": "k"}), ""},
		"two":                          {book, input(vars{"target": both, "idempotencyKey": "k"}), "input target"},
		"none":                         {book, input(vars{"target": vars{}, "idempotencyKey": "k"}), "input target"},
		"null":                         {book, input(vars{"target": vars{"slotId": nil}, "idempotencyKey": "k"}), "input target"},
		"one and null":                 {book, input(vars{"target": vars{"slotId": slot, "holdId": nil}, "idempotencyKey": "k"}), "input target"},
		"a variable within":            {part, vars{"target": vars{"slotId": slot}}, ""},
		"two in a variable within":     {part, vars{"target": both}, "input target"},
		"written out":                  {strings.NewReplacer("($target: BookingTargetInput!)", "", "$target", `{slotId: "`+slot+`"}`).Replace(part), nil, ""},
		"two written out":              {strings.NewReplacer("($target: BookingTargetInput!)", "", "$target", `{slotId: "`+slot+`", holdId: "`+hold+`"}`).Replace(part), nil, "?"},
		"variables for two parts":      {parts, vars{"slot": slot, "hold": hold}, "?"},
		"a variable without a value":   {parts, vars{"slot": slot}, "?"},
		"inside another input":         {search, vars{"where": vars{"near": vars{"locationIds": []string{a.locationID()}}}}, ""},
		"two inside another input":     {search, vars{"where": vars{"near": vars{"locationIds": []string{a.locationID()}, "postalCode": vars{"countryCode": "US", "postalCode": "10001"}}}}, "where near"},
		"a default with two parts":     {strings.Replace(part, "BookingTargetInput!", `BookingTargetInput = {slotId: "`+slot+`", holdId: "`+hold+`"}`, 1), nil, "?"},
		"a list of parts where one is": {search, vars{"where": []vars{{"near": both}}}, "where"},
	} {
		answer := patient.Post(t, c.document, c.variables)
		code := answer.Code()
		switch {
		case c.path == "" && code != "":
			t.Errorf("%s: %s", name, answer.Raw)
		case c.path == "?" && code != "INVALID_INPUT" && code != "GRAPHQL_VALIDATION_FAILED":
			t.Errorf("%s: %s", name, answer.Raw)
		case c.path != "" && c.path != "?" && (code != "INVALID_INPUT" || !strings.Contains(string(answer.Raw), `"path":["`+strings.ReplaceAll(c.path, " ", `","`)+`"`)):
			t.Errorf("%s: %s", name, answer.Raw)
		}
		if _, has := answer.Body["data"]; c.path != "" && has {
			t.Errorf("%s was executed: %s", name, answer.Raw)
		}
	}
}

func TestAStreamsScopeIsExclusive(t *testing.T) {
	s := streamed(t, usual)
	const scoped = `subscription($scope: AvailabilityScopeInput!) { availabilityChanged(scope: $scope) { __typename } }`
	for name, params := range map[string]vars{
		"two":           {"query": scoped, "variables": vars{"scope": vars{"providerIds": []string{}, "locationIds": []string{}}}},
		"none":          {"query": scoped, "variables": vars{"scope": vars{}}},
		"null":          {"query": scoped, "variables": vars{"scope": vars{"search": nil}}},
		"two inside it": {"query": scoped, "variables": vars{"scope": vars{"search": vars{"near": vars{"locationIds": []string{}, "circle": nil}}}}},
		"written out":   {"query": `subscription { availabilityChanged(scope: {providerIds: [], locationIds: []}) { __typename } }`},
	} {
		o := s.post(t, params, http.Header{}).begun()
		if told := o.event(); !strings.Contains(told, `"INVALID_INPUT"`) && !strings.Contains(told, `"GRAPHQL_VALIDATION_FAILED"`) {
			t.Errorf("%s: %s", name, told)
		}
		o.wants(complete, "end")
	}
	if len(s.after) > 0 {
		t.Error("a stream was begun")
	}
}
