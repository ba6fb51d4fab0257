package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"
)

func TestASystemThatAsksForTokensTooOftenIsToldSoInTheFormOfOAuth(t *testing.T) {
	a := newAPI(t)
	f := a.opened(t, limitedTo(RateSettings{Anonymous: 1}))
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	asked := func() (*http.Response, map[string]string) {
		t.Helper()
		answer, err := client.PostForm("http://"+f.address+"/oauth/token", url.Values{"grant_type": {byCredentials}, "client_id": {"a"}, "client_secret": {"b"}})
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
		if err != nil {
			t.Fatal(err)
		}
		var told map[string]string
		if err := json.Unmarshal(text, &told); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return answer, told
	}
	if answer, told := asked(); answer.StatusCode != http.StatusBadRequest || told["error"] != "invalid_client" || answer.Header.Get("RateLimit") != `"anonymous";r=0;t=60` {
		t.Errorf("the first: %d %v %v", answer.StatusCode, told, answer.Header)
	}
	answer, told := asked()
	if answer.StatusCode != http.StatusTooManyRequests || told["error"] != "temporarily_unavailable" || told["error_description"] != "Too many requests. Wait a little, then go on." || answer.Header.Get("Retry-After") != "60" ||
		answer.Header.Get("RateLimit-Policy") != `"anonymous";q=1;w=60` || answer.Header.Get("Content-Type") != "application/json" || answer.Header.Get("Pragma") != "no-cache" {
		t.Errorf("the second: %d %v %v", answer.StatusCode, told, answer.Header)
	}
}
