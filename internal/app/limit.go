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
	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/presenter"
)

const (
	rememberedCallers = 20_000
	// burstSeconds of the rate may come at once.
	burstSeconds = 10
)

// callerKey is the hash of a token, or of an address. A token that isn't accepted counts for its address: each made-up one would
// get a bucket of its own.
type callerKey [sha256.Size]byte

// callers tells callers apart.
type callers struct {
	accepts  func(token string) bool
	believed Networks
}

// limiter refuses callers who ask too often. It knows a bounded number of callers; the least recent are forgotten.
type limiter struct {
	callers
	perSec rate.Limit
	burst  int
	known  *lru.Cache[callerKey, *rate.Limiter]
}

// newLimiter allows each caller so many requests a minute, and operations of sockets; 0 sets no limit: the limiter is nil.
func newLimiter(perMinute int, by callers) *limiter {
	if perMinute <= 0 {
		return nil
	}
	known, err := lru.New[callerKey, *rate.Limiter](rememberedCallers)
	if err != nil {
		panic(err) // only a size below 1 fails
	}
	perSec := float64(perMinute) / 60
	burst := max(1, int(math.Ceil(perSec*burstSeconds)))
	return &limiter{perSec: rate.Limit(perSec), burst: burst, known: known, callers: by}
}

// before passes requests on that are allowed.
func (l *limiter) before(next http.Handler, log *slog.Logger) http.Handler {
	if l == nil {
		return next
	}
	refused := accesslog.Middleware(log, newID, http.HandlerFunc(l.refuse))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.bucket(l.of(r)).Allow() {
			next.ServeHTTP(w, r)
			return
		}
		refused.ServeHTTP(w, r)
	})
}

// allow counts an operation of a caller whose token, if any, was accepted. It answers how many seconds to wait if it is one too many.
func (l *limiter) allow(token, address string) (wait int, ok bool) {
	if l == nil || l.bucket(keyOf(token, address)).Allow() {
		return 0, true
	}
	return l.pause(), false
}

// pause is how many seconds there are between requests that go on and on.
func (l *limiter) pause() int { return max(1, int(math.Ceil(1/float64(l.perSec)))) }

// bucket finds a caller's, who counts as seen just now, or begins one.
func (l *limiter) bucket(c callerKey) *rate.Limiter {
	if bucket, found := l.known.Get(c); found {
		return bucket
	}
	fresh := rate.NewLimiter(l.perSec, l.burst)
	if bucket, found, _ := l.known.PeekOrAdd(c, fresh); found {
		return bucket // begun by another request meanwhile
	}
	return fresh
}

// refuse answers in GraphQL's form, since most callers here read nothing else.
func (l *limiter) refuse(w http.ResponseWriter, r *http.Request) {
	entry := accesslog.From(r.Context())
	entry.Codes = append(entry.Codes, string(presenter.RateLimited))
	seconds := l.pause()
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	answer(w, http.StatusTooManyRequests, map[string]any{"errors": []any{map[string]any{
		"message": "Too many requests. Wait a little, then go on.",
		"extensions": map[string]any{
			"code": presenter.RateLimited, "requestId": entry.RequestID, "retryable": true, "retryAfterSeconds": seconds,
		},
	}}})
}

func (c callers) of(r *http.Request) callerKey {
	token, _ := caller.Bearer(r)
	if token != "" && !c.accepts(token) {
		token = ""
	}
	return keyOf(token, c.address(r))
}

func keyOf(token, address string) callerKey {
	if token != "" {
		return sha256.Sum256([]byte("token " + token))
	}
	return sha256.Sum256([]byte("address " + address))
}

// address is the connection's, or what the proxies we believe say: of X-Forwarded-For the last one that isn't theirs,
// since everything before it was written by the caller.
func (c callers) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		at, err := netip.ParseAddr(host)
		if err != nil || !c.believed.contain(at) {
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
