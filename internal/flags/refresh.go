package flags

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	unleash "github.com/Unleash/unleash-client-go/v4"
	"github.com/Unleash/unleash-client-go/v4/api"
)

const appName = "mediconnect"

// refresher asks Unleash for changes, beside the work.
type refresher struct{ client *unleash.Client }

func newRefresher(f *Flags) (*refresher, error) {
	client, err := unleash.NewClient(
		unleash.WithUrl(f.opts.URL.String()), unleash.WithCustomHeaders(http.Header{"Authorization": {f.opts.Token}}),
		unleash.WithAppName(appName), unleash.WithInstanceId(f.opts.Instance),
		unleash.WithHttpClient(&http.Client{Timeout: policy().Call, Transport: &wire{flags: f, next: transport()}}),
		unleash.WithRefreshInterval(f.opts.Refresh), unleash.WithStorage(store{nothing{}, f}), unleash.WithListener(&listener{f}),
		unleash.WithDisableMetrics(true), // they would be sent before the client is made, and hold up what is counted
	)
	return &refresher{client}, err
}

// close ends a call that is under way, and waits until the state is on disk.
func (r *refresher) close() { _ = r.client.Close() }

func transport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: policy().Connect}).DialContext,
		TLSHandshakeTimeout: policy().Connect, MaxIdleConns: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 32 << 10,
	}
}

// refusal is an answer of Unleash's that has no flags.
type refusal struct{ status int }

func (r refusal) Error() string { return "flags: Unleash answered " + strconv.Itoa(r.status) }

// wire is the way to Unleash. What isn't a list of flags, or the news that it hasn't changed, is an error here: the SDK would wait for up to
// ten times the interval after such a status, and then for minutes more, so that changes came late. A redirect isn't followed, as the token is
// for nobody else.
type wire struct {
	flags *Flags
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch answer.StatusCode {
	case http.StatusOK:
		return whole(answer)
	case http.StatusNotModified:
		w.flags.confirm()
		w.flags.answered()
		w.flags.heard()
	default:
		_ = answer.Body.Close()
		return nil, refusal{answer.StatusCode}
	}
	return answer, nil
}

// whole reads an answer to its end. What isn't a list of flags, such as the page of a gateway, would have the SDK take all flags away.
func whole(answer *http.Response) (*http.Response, error) {
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, longest+1))
	if err != nil {
		return nil, err
	}
	if _, err := Read(text); err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return answer, nil
}

// store is handed what Unleash has told. The SDK's own would hold a lock while it writes, and leave half a file behind when the machine stops.
type store struct {
	nothing
	flags *Flags
}

// Reset implements the SDK's Storage.
func (s store) Reset(data map[string]any, _ bool) error {
	features := make([]api.Feature, 0, len(data))
	for _, one := range data {
		if f, ok := one.(api.Feature); ok {
			features = append(features, f)
		}
	}
	s.flags.take(newRules(FromUnleash, features))
	s.flags.answered()
	s.flags.keep(features)
	s.flags.heard()
	return nil
}

// listener hears what goes wrong. It has all methods of each interface that it shall implement: the SDK passes over one that lacks any.
type listener struct{ flags *Flags }

// OnError implements the SDK's ErrorListener.
func (l *listener) OnError(err error) {
	l.flags.unanswered(reasonOf(err))
	l.flags.heard()
}

// OnWarning implements the SDK's ErrorListener.
func (l *listener) OnWarning(error) {}

// reasonOf puts a failure in a word: the error itself may have an address in it.
func reasonOf(err error) string {
	if r, ok := errors.AsType[refusal](err); ok {
		return strconv.Itoa(r.status)
	}
	timed, ofTime := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, errTooLong):
		return "too long"
	case errors.Is(err, errUnreadable):
		return "unreadable"
	case ofTime && timed.Timeout():
		return "timeout"
	}
	return "unreachable"
}
