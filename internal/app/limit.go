package app

import (
	"crypto/sha256"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/mediconnect/mediconnect/graph/accesslog"
	"github.com/mediconnect/mediconnect/graph/presenter"
)

const (
	rememberedCallers = 20_000
	// burstSeconds of the rate may come at once.
	burstSeconds = 10
)

// caller is the hash of a token, or an address. A made-up token gets a bucket of its own, and nothing but refusals.
type caller [sha256.Size]byte

// limiter refuses callers who ask too often. It knows a bounded number of callers; the least recent are forgotten.
type limiter struct {
	next     http.Handler
	perSec   rate.Limit
	burst    int
	callers  *lru.Cache[caller, *rate.Limiter]
	believed Networks
	refused  http.Handler
}

// limitRate passes on at most perMinute requests of each caller; 0 sets no limit.
func limitRate(next http.Handler, perMinute int, believed Networks, log *slog.Logger) http.Handler {
	if perMinute <= 0 {
		return next
	}
	callers, err := lru.New[caller, *rate.Limiter](rememberedCallers)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	perSec := float64(perMinute) / 60
	burst := max(1, int(math.Ceil(perSec*burstSeconds)))
	l := &limiter{next: next, perSec: rate.Limit(perSec), burst: burst, callers: callers, believed: believed}
	l.refused = accesslog.Middleware(log, newID, http.HandlerFunc(l.refuse))
	return l
}

func (l *limiter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket := rate.NewLimiter(l.perSec, l.burst)
	if known, found, _ := l.callers.PeekOrAdd(l.callerOf(r), bucket); found {
		bucket = known
	}
	if bucket.Allow() {
		l.next.ServeHTTP(w, r)
		return
	}
	l.refused.ServeHTTP(w, r)
}

// refuse answers in GraphQL's form, since most callers here read nothing else.
func (l *limiter) refuse(w http.ResponseWriter, r *http.Request) {
	entry := accesslog.From(r.Context())
	entry.Codes = append(entry.Codes, string(presenter.RateLimited))
	seconds := max(1, int(math.Ceil(1/float64(l.perSec))))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	answer(w, http.StatusTooManyRequests, map[string]any{"errors": []any{map[string]any{
		"message": "Too many requests. Wait a little, then go on.",
		"extensions": map[string]any{
			"code": presenter.RateLimited, "requestId": entry.RequestID, "retryable": true, "retryAfterSeconds": seconds,
		},
	}}})
}

func (l *limiter) callerOf(r *http.Request) caller {
	if token := r.Header.Get("Authorization"); token != "" {
		return sha256.Sum256([]byte("token " + token))
	}
	return sha256.Sum256([]byte("address " + l.address(r)))
}

// address is the connection's, or what the proxies we believe say: of X-Forwarded-For the last one that isn't theirs,
// since everything before it was written by the caller.
func (l *limiter) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		at, err := netip.ParseAddr(host)
		if err != nil || !l.believed.contain(at) {
			break
		}
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		host = hop.String()
	}
	return host
}
