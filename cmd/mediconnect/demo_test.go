package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The first start imports the demo, the README's first booking works on it, and the second start answers at once.
func TestDevsDemoCanBeBookedAsTheReadmeSays(t *testing.T) {
	dir := dataFolder(t)
	first := start(t, nil, "dev", "--data", dir)
	found := first.ready(t, dir)
	book(t, found)
	signUp(t, found)
	act(t, found)
	integrate(t, found)
	furnished(t, found)
	if code := first.signal(t, syscall.SIGTERM); code != 0 {
		t.Errorf("ended with exit code %d:\n%s", code, first.output)
	}

	began := time.Now()
	second := start(t, nil, "dev", "--data", dir)
	visitor{t, second.ready(t, dir).GraphQL}.ask("", documents(t, "../../README.md", readmeRequests)[0], nil)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the second start took %s to its first answer, want 5 s", took)
	}
	if strings.Contains(second.output.String(), "importing") {
		t.Errorf("the second start imports again:\n%s", second.output)
	}
}

// readmeRequests are the README's: ten of the first booking, three of the first account.
const readmeRequests = 13

// book goes through the README's requests, in their order.
func book(t *testing.T, found facts) {
	t.Helper()
	v, patient, desk := visitor{t, found.GraphQL}, found.Tokens.Patient, found.Tokens.FrontDesk
	d := documents(t, "../../README.md", readmeRequests)
	list, providers, soonest, days, openings, hold, holdToo, bookIt, move, cancel := d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9]

	v.wants(v.ask(patient, list, nil), `"totalCount":112`)
	ids := v.ids(v.ask(patient, providers, nil), 2)
	now := time.Now().UTC()
	v.wants(v.ask(patient, soonest, nil), `"distanceMeters":`, `"nextAvailable":{"localStart":`)
	v.wants(v.ask(patient, days, variables{"from": now.Format(time.DateOnly), "provider": ids[0]}), `"timeZone":"America/New_York"`, `"level":`)
	slots := v.ids(v.ask(patient, openings, variables{
		"provider": ids[0], "kind": ids[1], "from": now.Format(time.RFC3339), "to": now.AddDate(0, 0, 7).Format(time.RFC3339),
	}), 2)
	held := v.ask(patient, hold, variables{"slot": slots[0], "key": "hold"})
	v.wants(held, `"errors":[]`)
	v.wants(v.ask(desk, holdToo, variables{"slot": slots[0], "key": "desk"}), `SLOT_TAKEN`, `"alternatives":[{"id":`)

	order := variables{"hold": v.ids(held, 1)[0], "key": "book"}
	booked := v.ask(patient, bookIt, order)
	v.wants(booked, `"replayed":false`, `"BOOKED"`, `"errors":[]`)
	if again := v.ask(patient, bookIt, order); again != strings.Replace(booked, `"replayed":false`, `"replayed":true`, 1) {
		t.Errorf("the same again was answered %s, at first it was %s", again, booked)
	}
	visit := v.ids(booked, 1)[0]
	v.wants(v.ask(patient, move, variables{"appointment": visit, "slot": slots[1], "key": "move"}), `"version":2`, `"errors":[]`)
	v.wants(v.ask(patient, cancel, variables{"appointment": visit}), `"CANCELLED"`, `"errors":[]`)
}

// signUp goes through the README's requests for an account, in their order.
func signUp(t *testing.T, found facts) {
	t.Helper()
	v, d := visitor{t, found.GraphQL}, documents(t, "../../README.md", readmeRequests)[10:]
	clinic := v.ids(v.ask(found.Tokens.FrontDesk, d[0], nil), 1)[0]
	v.wants(v.ask("", d[1], variables{"clinic": clinic, "email": "ada@example.org"}), `"accepted":true`, `"errors":[]`)
	v.wants(v.ask("", d[2], variables{"code": mailedCode(t, found.Mails)}), `"verifyEmail":`, `"errors":[]`)
}

var codeInMail = regexp.MustCompile(`mcv_[A-Za-z0-9_-]+`)

// mailedCode waits for the first mail's.
func mailedCode(t *testing.T, folder string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if mails, _ := filepath.Glob(filepath.Join(folder, "*.eml")); len(mails) > 0 {
			text, err := os.ReadFile(mails[0])
			if err != nil {
				t.Fatal(err)
			}
			return codeInMail.FindString(string(text))
		}
		select {
		case <-ctx.Done():
			t.Fatal("no mail comes")
		case <-tick.C:
		}
	}
}

// act goes through the requests of docs/access.md, in their order.
func act(t *testing.T, found facts) {
	t.Helper()
	v, tokens := visitor{t, found.GraphQL}, found.Tokens
	d := documents(t, "../../docs/access.md", 16)
	child := v.ids(v.ask(tokens.FrontDesk, d[0], variables{"number": "7"}), 1)[0]
	invited := v.ask(tokens.FrontDesk, d[1], variables{"child": child, "key": "invite"})
	v.wants(v.ask(tokens.Caregiver, d[2], variables{"code": v.word(invited, "code")}), `"relation":"CAREGIVER"`, `"name":"Nora Lind"`)
	providers := v.ids(v.ask("", d[3], nil), 2)
	kind := v.ids(v.ask("", documents(t, "../../README.md", readmeRequests)[1], nil), 2)[1]
	slot := v.ids(v.ask(tokens.Caregiver, d[4], variables{"provider": providers[1], "kind": kind}), 1)[0]
	booked := v.ask(tokens.Caregiver, d[5], variables{"slot": slot, "child": child, "key": "child"})
	v.wants(booked, `"Nora Lind"`, `"errors":[]`)
	visit := v.ids(booked, 1)[0]

	v.wants(v.ask(tokens.Provider, d[6], variables{"visit": visit, "child": child}), `"localStart":`, `"reason":null,"patient":null`, `"child":null`)
	grant := v.ids(v.ask(tokens.Provider, d[7], variables{"child": child, "key": "glass"}), 1)[0]
	v.wants(v.ask(tokens.Provider, d[8], variables{"visit": visit}), `"Fever"`, `"Nora Lind"`)
	v.wants(v.ask(tokens.Provider, d[9], variables{"grant": grant}), `"endedAt":"`)

	v.wants(v.ask(tokens.Auditor, d[10], nil), grant, `"Unconscious on arrival"`)
	v.wants(v.ask(tokens.Auditor, d[11], variables{"grant": grant}), `"JUSTIFIED"`)
	v.wants(v.ask(tokens.Auditor, d[12], variables{"child": child}), `"breakGlass"`, `"BTG"`, `"FAMRQT"`)
	v.wants(v.ask(tokens.Caregiver, d[13], variables{"visit": visit}), `"appointment.book"`)
	account := v.word(v.ask(tokens.ClinicAdmin, d[14], variables{"child": child}), "accountId")
	v.wants(v.ask(tokens.ClinicAdmin, d[15], variables{"child": child, "account": account}), child, `"errors":[]`)
}

// furnished looks for what a newcomer finds beside the publication: rooms, and kinds of visit that ask for more than a time.
func furnished(t *testing.T, found facts) {
	t.Helper()
	v := visitor{t, found.GraphQL}
	v.wants(v.ask(found.Tokens.FrontDesk, `{ resources { edges { node { kind pool name } } } }`, nil),
		`{"kind":"ROOM","pool":"exam-room","name":"Exam room 1"}`, `"Exam room 2"`)
	v.wants(v.ask("", `{ visitKinds { edges { node { name needs repeatAfter minimumAge prerequisites { within visitKind { name } } } } } }`, nil),
		`{"name":"Health check","needs":["exam-room"],"repeatAfter":"P90D","minimumAge":null,"prerequisites":[]}`,
		`{"name":"Travel vaccination","needs":[],"repeatAfter":null,"minimumAge":18,"prerequisites":[{"within":"P180D","visitKind":{"name":"Health check"}}]}`)
}

// integrate goes through the requests of docs/partners.md, in their order.
func integrate(t *testing.T, found facts) {
	t.Helper()
	v, admin := visitor{t, found.GraphQL}, found.Tokens.ClinicAdmin
	d := documents(t, "../../docs/partners.md", 7)
	made := v.ask(admin, d[0], variables{"key": "portal"})
	client, secret := v.ids(made, 1)[0], v.word(made, "secret")
	token := v.token(v.word(made, "clientId"), secret, "appointments:read patients:read")
	v.wants(v.ask(token, d[1], nil), `"API_CLIENT"`, `"scopes":["appointments:read","patients:read"]`, `"INTEGRATOR"`, `"totalCount":`)
	kiosk := v.ask(admin, d[2], variables{"until": time.Now().UTC().AddDate(0, 0, 30).Format(time.RFC3339), "key": "kiosk"})
	key := v.word(kiosk, "secret")
	v.wants(key, "mk_test_")
	v.wants(v.ask(key, d[3], nil), `"API_CLIENT"`, `"scopes":["schedules:read"]`)
	v.wants(v.ask(admin, d[4], nil), `"Portal"`, `"Kiosk"`, `"lastUsedAt":"`)
	v.wants(v.ask(admin, d[5], variables{"client": client}), `"revokedAt":"`, `"errors":[]`)
	v.wants(v.ask(admin, d[6], variables{"kiosk": v.ids(kiosk, 1)[0]}), `"revokedAt":"`, `"errors":[]`)
	for _, gone := range []string{token, key} {
		if status, answer := exchange(t, http.MethodPost, v.url, gone, `{"query":"{ viewer { kind } }"}`); status != http.StatusUnauthorized {
			t.Errorf("once it is revoked: %d %s", status, answer)
		}
	}
}

// token is what the token endpoint gives a client.
func (v visitor) token(client, secret, scope string) string {
	v.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	at := strings.TrimSuffix(v.url, "/graphql") + "/oauth/token"
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(client, secret)
	response, err := (&http.Client{Timeout: 30 * time.Second}).Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		v.t.Fatalf("no token: %d %s, %v", response.StatusCode, answer, err)
	}
	return v.word(string(answer), "access_token")
}

var request = regexp.MustCompile(`gql "(?:\$\w+)?" '([^']*)'`)

// documents are those of a text for people, which has so many.
func documents(t *testing.T, file string, many int) (texts []string) {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range request.FindAllSubmatch(page, -1) {
		texts = append(texts, string(found[1]))
	}
	if len(texts) != many {
		t.Fatalf("%s has %d requests", file, len(texts))
	}
	return texts
}

type variables map[string]string

// visitor sends requests to a service.
type visitor struct {
	t   *testing.T
	url string
}

// ask answers data as they came.
func (v visitor) ask(token, document string, vars variables) string {
	v.t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": vars})
	if err != nil {
		v.t.Fatal(err)
	}
	status, text := exchange(v.t, http.MethodPost, v.url, token, string(body))
	var answer struct {
		Data   json.RawMessage
		Errors []any
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK || len(answer.Errors) > 0 {
		v.t.Fatalf("%s was answered %d %s", document, status, text)
	}
	return string(answer.Data)
}

func (v visitor) wants(answer string, words ...string) {
	v.t.Helper()
	for _, w := range words {
		if !strings.Contains(answer, w) {
			v.t.Fatalf("answered %s, want %s", answer, w)
		}
	}
}

var idInAnswer = regexp.MustCompile(`"id":"([^"]*)"`)

// ids are the first of an answer, which must have so many.
func (v visitor) ids(answer string, least int) (ids []string) {
	v.t.Helper()
	for _, found := range idInAnswer.FindAllStringSubmatch(answer, -1) {
		ids = append(ids, found[1])
	}
	if len(ids) < least {
		v.t.Fatalf("answered %s, with fewer than %d ids", answer, least)
	}
	return ids
}

// word is the first text of an answer under a name.
func (v visitor) word(answer, name string) string {
	v.t.Helper()
	_, after, found := strings.Cut(answer, `"`+name+`":"`)
	if !found {
		v.t.Fatalf("answered %s, with no %s", answer, name)
	}
	word, _, _ := strings.Cut(after, `"`)
	return word
}
