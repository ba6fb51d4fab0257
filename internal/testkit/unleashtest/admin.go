package unleashtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"
)

// Strategy is one of a flag, as Unleash's administration takes it.
type Strategy struct {
	Name        string            `json:"name"`
	Parameters  map[string]string `json:"parameters"`
	Constraints []Constraint      `json:"constraints"`
	Variants    []Variant         `json:"variants"`
	Segments    []int             `json:"segments"`
}

// Constraint is a rule about who the subject is.
type Constraint struct {
	ContextName string   `json:"contextName"`
	Operator    string   `json:"operator"`
	Values      []string `json:"values"`
	Inverted    bool     `json:"inverted"`
}

// Variant is one of a strategy's. Weights of all are 1,000 together.
type Variant struct {
	Name       string `json:"name"`
	Weight     int    `json:"weight"`
	WeightType string `json:"weightType"`
	Stickiness string `json:"stickiness"`
}

// Rollout is a gradual one to a percentage.
func Rollout(percent string, variants ...Variant) Strategy {
	return Strategy{
		Name: "flexibleRollout", Parameters: map[string]string{"rollout": percent, "stickiness": "default", "groupId": "rollout"},
		Constraints: []Constraint{}, Variants: append([]Variant{}, variants...), Segments: []int{},
	}
}

// To is a variant of a weight. One of several has the rest.
func To(name string, weight int) Variant { return Variant{name, weight, "fix", "default"} }

// Rest is the variant of all that others leave; a strategy's only one has everything.
func Rest(name string) Variant { return Variant{name, 1000, "variable", "default"} }

// Set has a flag on in the environment production, with these strategies and no others; without any it is off. It makes the flag if it
// isn't there.
func (s *Server) Set(t testing.TB, key string, strategies ...Strategy) {
	t.Helper()
	const features = "projects/default/features"
	if s.ask(t, http.MethodGet, features+"/"+key, nil, nil) == http.StatusNotFound {
		s.do(t, http.MethodPost, features, map[string]string{"name": key, "type": "release"}, nil)
	}
	at := features + "/" + key + "/environments/production"
	if len(strategies) == 0 {
		s.do(t, http.MethodPost, at+"/off", nil, nil)
		return
	}
	var there []struct{ ID string }
	s.do(t, http.MethodGet, at+"/strategies", nil, &there)
	for i, strategy := range strategies {
		if i < len(there) {
			s.do(t, http.MethodPut, at+"/strategies/"+there[i].ID, strategy, nil)
		} else {
			s.do(t, http.MethodPost, at+"/strategies", strategy, nil)
		}
	}
	for _, left := range there[min(len(strategies), len(there)):] {
		s.do(t, http.MethodDelete, at+"/strategies/"+left.ID, nil, nil)
	}
	s.do(t, http.MethodPost, at+"/on", nil, nil)
}

// Segment makes one and answers its id.
func (s *Server) Segment(t testing.TB, name string, constraints ...Constraint) int {
	t.Helper()
	var made struct{ ID int }
	s.do(t, http.MethodPost, "segments", map[string]any{"name": name, "constraints": constraints}, &made)
	return made.ID
}

func (s *Server) do(t testing.TB, method, path string, body, into any) {
	t.Helper()
	if status := s.ask(t, method, path, body, into); status/100 != 2 {
		t.Fatalf("%s %s: %d", method, path, status)
	}
}

func (s *Server) ask(t testing.TB, method, path string, body, into any) (status int) {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+"/api/admin/"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", adminToken)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err = io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case answer.StatusCode >= http.StatusBadRequest && answer.StatusCode != http.StatusNotFound:
		t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, text)
	case into != nil && answer.StatusCode/100 == 2:
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return answer.StatusCode
}
