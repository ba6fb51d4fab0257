package queue

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynqmon"
	"github.com/redis/go-redis/v9"
)

// Monitor is asynq's own page, asynqmon, for administrators: whoever mounts it sees to who gets there. It shows ids, and of what can't
// be read nothing.
type Monitor struct {
	pages  *asynqmon.HTTPHandler
	policy string
}

const mostShown = 100 // tasks of a page

// Monitor makes the page below a path such as /admin/queue. Only with change may it be used to run, archive and delete tasks and to stop
// queues. Close ends its connections.
func (q *Queue) Monitor(prefix string, change bool) (*Monitor, error) {
	if !strings.HasPrefix(prefix, "/") {
		return nil, errors.New("queue: the monitor's path must begin with a slash")
	}
	if _, err := q.o.Redis.client(brisk); err != nil {
		return nil, err
	}
	m := &Monitor{pages: asynqmon.New(asynqmon.Options{
		RootPath: prefix, RedisConnOpt: q.o.Redis, ReadOnly: !change,
		PayloadFormatter: asynqmon.PayloadFormatterFunc(shown),
		ResultFormatter:  asynqmon.ResultFormatterFunc(func(_ string, result []byte) string { return fmt.Sprintf("%d bytes", len(result)) }),
	})}
	m.policy = m.readPolicy(prefix)
	return m, nil
}

// MakeRedisClient implements asynq.RedisConnOpt. The address was read before.
func (a Address) MakeRedisClient() any {
	c, _ := a.client(brisk)
	return c
}

var (
	_ asynq.RedisConnOpt    = Address{}
	_ redis.UniversalClient = (*redis.Client)(nil)
)

// shown is what the page says of a payload.
func shown(kind string, body []byte) string {
	p, err := parse(kind, body)
	if err != nil {
		return fmt.Sprintf("%d bytes: %v", len(body), err)
	}
	return fmt.Sprintf("%s message %s of %s, generation %d", p.Channel, p.ID, p.Organization, p.Generation)
}

// ServeHTTP answers below the path.
func (m *Monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if size := r.URL.Query().Get("size"); size != "" {
		if n, err := strconv.Atoi(size); err != nil || n < 1 || n > mostShown {
			http.Error(w, "size must be from 1 to "+strconv.Itoa(mostShown), http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Security-Policy", m.policy)
	m.pages.ServeHTTP(w, r)
}

var inline = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// readPolicy is what a browser may load for the page: what comes from here, and the scripts that are in it. Its fonts are elsewhere, and
// aren't loaded: nobody else need know who looks.
func (m *Monitor) readPolicy(prefix string) string {
	var page page
	if r, err := http.NewRequest(http.MethodGet, strings.TrimSuffix(prefix, "/")+"/", nil); err == nil {
		m.pages.ServeHTTP(&page, r)
	}
	scripts := "'self'"
	for _, script := range inline.FindAllSubmatch(page.body, -1) {
		sum := sha256.Sum256(script[1])
		scripts += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + scripts + "; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
		"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// page is an answer that nobody is sent.
type page struct {
	body   []byte
	header http.Header
}

func (p *page) Header() http.Header {
	if p.header == nil {
		p.header = http.Header{}
	}
	return p.header
}
func (p *page) Write(b []byte) (int, error) { p.body = append(p.body, b...); return len(b), nil }
func (p *page) WriteHeader(int)             {}

// Close ends the page's connections.
func (m *Monitor) Close() error { return m.pages.Close() }
