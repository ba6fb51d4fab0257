package vendors

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// exchange is a request on its way through the faults.
type exchange struct {
	*Vendors
	service   *service
	w         http.ResponseWriter
	r         *http.Request
	arrived   time.Time
	fault     *Fault  // nil: none strikes it
	callbacks []Fault // that its callbacks suffer
	gone      <-chan struct{}
}

// suffer finds the faults, and does what comes before acceptance. It says whether the request goes on.
func (x *exchange) suffer(on, to string) bool {
	x.fault, x.callbacks, x.gone = x.service.strike(on, to)
	if x.fault == nil {
		return true
	}
	switch x.fault.Do {
	case Refuse:
		x.answer(or(x.fault.Status, http.StatusServiceUnavailable))
	case Reset:
		cut(x.w)
	case Stall:
		return x.wait(x.fault.For, x.r.Context().Done()) && x.r.Context().Err() == nil
	case Late:
		return x.fault.For == 0 || x.wait(x.fault.For, nil)
	default:
		return true
	}
	return false
}

// accepted does what comes after acceptance. It says whether the vendor's answer is still to be written.
func (x *exchange) accepted() bool {
	if x.fault == nil {
		return true
	}
	switch x.fault.Do {
	case Lose:
		cut(x.w)
	case Hang:
		x.wait(x.fault.For, x.r.Context().Done())
		cut(x.w)
	case Fail:
		x.answer(or(x.fault.Status, http.StatusInternalServerError))
	default:
		return true
	}
	return false
}

// settle answers, and then lets become of the message what does; where there is no answer, that doesn't wait for one.
func (x *exchange) settle(answer, become func()) {
	hangs := x.fault != nil && x.fault.Do == Hang
	if hangs {
		become()
	}
	if x.accepted() {
		answer()
		_ = http.NewResponseController(x.w).Flush()
	}
	if !hangs {
		become()
	}
}

// wait lets a time pass: 0 is until the faults are set anew. It is over early when the client has left, and says so; or when everything ends.
func (x *exchange) wait(d time.Duration, left <-chan struct{}) bool {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-x.gone:
	case <-left:
		return false
	case <-x.done:
		return false
	}
	return true
}

// answer is a failure of the fault's.
func (x *exchange) answer(status int) {
	f := *x.fault
	f.Status = status
	body := []byte(f.Body)
	if f.Body == "" {
		body = x.service.words(f)
	}
	head := x.w.Header()
	head.Set("Content-Type", "application/json")
	if f.RetryAfter > 0 {
		head.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	if status == http.StatusTooManyRequests && x.service == x.services[SendGrid] {
		head.Set("X-RateLimit-Limit", "500")
		head.Set("X-RateLimit-Remaining", "0")
		head.Set("X-RateLimit-Reset", strconv.FormatInt(x.now().Unix()+int64(max(f.RetryAfter, 1)), 10))
	}
	head.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body)
}

// cut resets a connection: its client reads an error, and not an end.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 has no connection to give
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
