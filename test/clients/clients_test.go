package clients_test

import "testing"

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
	for _, file := range []string{"requests.mjs", "apollo.mjs", "urql.mjs", "graphql-ws.mjs", "graphql-sse.mjs", "eventsource.mjs", "oauth.mjs"} {
		t.Run(file, func(t *testing.T) {
			if n := suite(t, file, world(t)); n == 0 {
				t.Error("it has no tests")
			}
		})
	}
}
