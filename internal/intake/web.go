package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// WebLimits bound what a publisher's server can cost us. Zero values take the defaults.
type WebLimits struct {
	Body    int64         // bytes of one file, decompressed; 1 GiB
	Total   int64         // bytes of all files together; 4 GiB
	Whole   time.Duration // one file; 15 minutes
	Silence time.Duration // between two pieces of an answer; 30 s
}

const maxRedirects = 5

func (l WebLimits) orDefault() WebLimits {
	if l.Body == 0 {
		l.Body = 1 << 30
	}
	if l.Total == 0 {
		l.Total = 4 << 30
	}
	if l.Whole == 0 {
		l.Whole = 15 * time.Minute
	}
	if l.Silence == 0 {
		l.Silence = 30 * time.Second
	}
	return l
}

// Web is a publication on the web.
type Web struct {
	address string   // of the manifest, as asked for
	found   *url.URL // of the manifest, after redirects once it was read
	limits  WebLimits
	left    int64 // bytes that may still come
	client  *http.Client
}

// NewWeb prepares to read a publication by its manifest's http or https URL.
func NewWeb(address string, limits WebLimits) (*Web, error) {
	u, err := url.Parse(address)
	if err != nil || !fetchable(u) {
		return nil, fmt.Errorf("%s is no http or https address", quoted(address))
	}
	limits = limits.orDefault()
	gate := newGate(u, limits.Silence)
	transport := &http.Transport{
		Proxy:                 gate.through,
		DialContext:           gate.dial,
		TLSHandshakeTimeout:   limits.Silence,
		ResponseHeaderTimeout: limits.Silence,
		IdleConnTimeout:       limits.Silence,
		MaxIdleConns:          4,
	}
	client := &http.Client{Transport: transport, CheckRedirect: redirect}
	return &Web{address: address, found: u, limits: limits, left: limits.Total, client: client}, nil
}

func fetchable(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

func redirect(to *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case !fetchable(to.URL):
		return errors.New("a redirect to something else than http and https")
	case downgrades(via[0].URL, to.URL):
		return errors.New("a redirect from https to http")
	}
	return nil
}

// downgrades says whether what was begun with encryption would go on without it.
func downgrades(from, to *url.URL) bool { return from.Scheme == "https" && to.Scheme != "https" }

// Address is the manifest's URL.
func (w *Web) Address() string { return w.address }

// Manifest is documented at Source.
func (w *Web) Manifest(ctx context.Context) (io.ReadCloser, error) {
	body, found, err := w.get(ctx, w.found, "application/json")
	if err == nil {
		w.found = found
	}
	return body, err
}

// Open is documented at Source. Relative addresses are resolved against the manifest's.
func (w *Web) Open(ctx context.Context, address string) (io.ReadCloser, error) {
	u, err := w.found.Parse(address)
	if err != nil || !fetchable(u) {
		return nil, fmt.Errorf("%s is no http or https address", quoted(address))
	}
	if downgrades(w.found, u) {
		return nil, errors.New("the manifest was fetched by https and names a file by http")
	}
	body, _, err := w.get(ctx, u, "application/fhir+ndjson")
	return body, err
}

func (w *Web) get(ctx context.Context, u *url.URL, accept string) (io.ReadCloser, *url.URL, error) {
	ctx, cancel := context.WithTimeout(ctx, w.limits.Whole)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("User-Agent", "MediConnect (SMART Scheduling Links import)")
	response, err := w.client.Do(request)
	if err != nil {
		cancel()
		return nil, nil, fmt.Errorf("%s can't be fetched: %w", u.Redacted(), plain(err))
	}
	body := &bounded{from: response.Body, cancel: cancel, left: w.limits.Body, all: &w.left, silence: w.limits.Silence}
	if response.StatusCode != http.StatusOK {
		return nil, nil, errors.Join(fmt.Errorf("%s answered %s", u.Redacted(), response.Status), body.Close())
	}
	return body, response.Request.URL, nil
}

// plain leaves out the method and address that net/http puts before its errors.
func plain(err error) error {
	if known, ok := errors.AsType[*url.Error](err); ok {
		return known.Err
	}
	return err
}

var (
	errTooLarge = errors.New("the file is larger than this program takes")
	errTooMuch  = errors.New("the files together are larger than this program takes")
	errSilent   = errors.New("the server stopped sending")
)

// bounded is a body that ends with an error when it grows too large or too quiet.
type bounded struct {
	from    io.ReadCloser
	cancel  context.CancelFunc
	left    int64
	all     *int64 // left for all files together
	silence time.Duration
	silent  bool
}

func (b *bounded) Read(p []byte) (int, error) {
	watchdog := time.AfterFunc(b.silence, b.cancel)
	n, err := b.from.Read(p)
	b.silent = !watchdog.Stop() || b.silent
	b.left -= int64(n)
	*b.all -= int64(n)
	switch {
	case *b.all < 0:
		return 0, errTooMuch
	case b.left < 0:
		return 0, errTooLarge
	case b.silent && err != nil && !errors.Is(err, io.EOF):
		return n, errSilent
	}
	return n, err
}

func (b *bounded) Close() error {
	b.cancel()
	return b.from.Close()
}
