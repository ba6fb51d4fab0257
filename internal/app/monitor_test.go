package app

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

// callers know whose tokens are whose by their names.
type callers map[string]access.Role

func (c callers) Verify(_ context.Context, token string) (access.Actor, time.Time, error) {
	if role, ok := c[token]; ok {
		return access.Actor{Role: role}, time.Time{}, nil
	}
	return access.Actor{}, time.Time{}, errors.New("whose?")
}

func TestTheQueueShowsItselfToThePlatformsAdministratorsAlone(t *testing.T) {
	a := &App{}
	stop, err := a.watchQueue(RedisSettings{URL: Secret(redistest.NewURL(t))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	door := administrators{pages: a.monitor, verifier: callers{"root": access.PlatformAdmin, "boss": access.Admin, "pat": access.PatientRole}}
	for name, c := range map[string]struct {
		method string
		set    func(*http.Request)
		want   int
	}{
		"a token":                   {http.MethodGet, func(r *http.Request) { r.Header.Set("Authorization", "Bearer root") }, http.StatusOK},
		"a token as the password":   {http.MethodGet, func(r *http.Request) { r.SetBasicAuth("anybody", "root") }, http.StatusOK},
		"nobody":                    {http.MethodGet, func(*http.Request) {}, http.StatusUnauthorized},
		"a clinic's administrator":  {http.MethodGet, func(r *http.Request) { r.SetBasicAuth("x", "boss") }, http.StatusUnauthorized},
		"a patient":                 {http.MethodGet, func(r *http.Request) { r.Header.Set("Authorization", "Bearer pat") }, http.StatusUnauthorized},
		"a token of nobody":         {http.MethodGet, func(r *http.Request) { r.Header.Set("Authorization", "Bearer rook") }, http.StatusUnauthorized},
		"who wants to change tasks": {http.MethodPost, func(r *http.Request) { r.Header.Set("Authorization", "Bearer root") }, http.StatusMethodNotAllowed},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, monitorPath+"/", nil)
		c.set(r)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		if w.Code != c.want || c.want == http.StatusOK && !strings.Contains(strings.ToLower(w.Body.String()), "<html") {
			t.Errorf("%s: %d %.80s", name, w.Code, w.Body)
		}
	}
}
