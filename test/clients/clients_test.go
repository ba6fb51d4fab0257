package clients_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
)

type object map[string]any

// graphql-http has 61 audits: what the specification says a server MUST, SHOULD and MAY do.
const audits = 61

func TestEveryAuditOfGraphQLOverHTTPPasses(t *testing.T) {
	_, server := server(t)
	if n := suite(t, "audits.mjs", object{"url": server.URL + "/graphql"}); n != audits {
		t.Errorf("%d audits were made, want %d", n, audits)
	}
}

func TestTheServedSchemaPassesTheRulesOfOthers(t *testing.T) {
	rig, _ := server(t)
	schema, err := rig.Run(t.Context(), "", "schema")
	if err != nil {
		t.Fatal(err)
	}
	if n := suite(t, "contract.mjs", object{"schema": schema}); n == 0 {
		t.Error("no rule was looked at")
	}
}

func TestClientsOfOthersNeedNothingButTheAddressAndAToken(t *testing.T) {
	for _, file := range []string{"requests.mjs", "apollo.mjs", "urql.mjs", "graphql-ws.mjs", "graphql-sse.mjs", "eventsource.mjs"} {
		t.Run(file, func(t *testing.T) {
			if n := suite(t, file, world(t)); n == 0 {
				t.Error("it has no tests")
			}
		})
	}
}

// world is a clinic of its own, with a provider who is in for days, and two patients.
func world(t *testing.T) object {
	t.Helper()
	r, server := server(t)
	clinic, err := r.NewClinic(t.Context(), server, &rig.Client{HTTP: rig.NewHTTP(4)})
	if err != nil {
		t.Fatal(err)
	}
	provider, err := clinic.Provider(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	patients, err := clinic.Patients(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	return object{
		"url": server.URL + "/graphql", "provider": provider, "visitKind": clinic.VisitKind,
		"from": clinic.Day.Format(time.RFC3339), "to": clinic.Day.AddDate(0, 0, days).Format(time.RFC3339),
		"tokens": object{"patient": patients[0].Token, "rival": patients[1].Token, "refused": "refused." + uuid.NewString()},
	}
}

const days = 3
