package socket

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/mediconnect/mediconnect/graph/caller"
)

// credentials reads the token that a connection_init carries: under the header's name, as graphql-ws's and Apollo's guides have it,
// among headers, as GraphiQL sends it, or under a name of its own. None that several agree on is given, and empty.
func credentials(payload json.RawMessage) (token string, given bool) {
	var all map[string]any
	if payload == nil || json.Unmarshal(payload, &all) != nil {
		return "", false
	}
	if _, err := object(payload); err != nil {
		return "", true // a key is there twice, and nobody can tell which is meant
	}
	headers, _ := all["headers"].(map[string]any)
	var found []string
	for _, v := range []any{all["Authorization"], all["authorization"], headers["Authorization"], headers["authorization"]} {
		if text, sent := stated(v); sent {
			bearer, _ := caller.Credentials(text)
			found = append(found, bearer)
		}
	}
	for _, v := range []any{all["token"], all["authToken"]} {
		if text, sent := stated(v); sent {
			if bearer, is := strings.CutPrefix(text, "Bearer "); is {
				text = strings.TrimSpace(bearer)
			}
			found = append(found, text)
		}
	}
	return agreed(found)
}

// stated is what a client put in a place, if anything: who isn't signed in sends null or nothing.
func stated(v any) (text string, sent bool) {
	text, isText := v.(string)
	return text, v != nil && (!isText || text != "")
}

// agreed is the only one of several tokens. Where they differ nobody can tell who is meant.
func agreed(tokens []string) (token string, given bool) {
	for i, t := range tokens {
		if i > 0 && t != tokens[0] {
			return "", true
		}
	}
	if len(tokens) == 0 {
		return "", false
	}
	return tokens[0], true
}

// overrides are the feature overrides of a socket: the header's, for clients that can set one, and those of a connection_init, which may
// have it under the header's name, among headers, or under a name of its own.
func overrides(r *http.Request, payload json.RawMessage) []string {
	sent := r.Header.Values(caller.Override)
	var all map[string]any
	if payload == nil || json.Unmarshal(payload, &all) != nil {
		return sent
	}
	headers, _ := all["headers"].(map[string]any)
	for _, among := range []map[string]any{all, headers} {
		for name, v := range among {
			if text, is := stated(v); is && (name == "featureOverride" || strings.EqualFold(name, caller.Override)) {
				sent = append(sent, text)
			}
		}
	}
	return sent
}
