package app

import "net/http"

// shield are the headers of every answer, whoever gives it: a handler that needs others sets its own in their place. A browser shall
// neither guess at what an answer is, nor show it inside another site's page, nor run anything in it, nor keep it, nor let pages of
// other sites take it in as a script or an image. What CORS allows is read all the same (Fetch, section 3.7, asks for
// Cross-Origin-Resource-Policy of requests without CORS alone).
var shield = map[string]string{
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Content-Security-Policy":      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
}

// strictTransport has browsers come by TLS alone for a year (RFC 6797). Hosts below this one are their operator's own.
const strictTransport = "max-age=31536000"

// shielded gives each answer of next the headers, and with secure the one that keeps browsers to TLS.
func shielded(next http.Handler, secure bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		for name, value := range shield {
			head[name] = []string{value}
		}
		if secure {
			head["Strict-Transport-Security"] = []string{strictTransport}
		}
		next.ServeHTTP(w, r)
	})
}
