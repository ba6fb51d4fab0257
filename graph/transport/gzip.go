package transport

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// leastCompressed bytes of an answer are worth it: fewer go in one packet anyway.
const leastCompressed = 1400

const gzipped = "gzip"

// encoding is the one that an answer may have for a client (RFC 9110, section 12.5.3), or none.
func encoding(head http.Header) string {
	accept := strings.Join(head.Values("Accept-Encoding"), ",")
	if len(accept) > maxAccept {
		return ""
	}
	named, others := -1.0, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		coding, params, _ := strings.Cut(part, ";")
		_, q, _ := strings.Cut(params, "=")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case gzipped, "x-gzip":
			named = quality(strings.TrimSpace(q))
		case "*":
			others = quality(strings.TrimSpace(q))
		}
	}
	if named > 0 || named < 0 && others > 0 {
		return gzipped
	}
	return ""
}

var compressors = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // only an unknown level fails
	}
	return z
}}

func compressed(text []byte) []byte {
	z := compressors.Get().(*gzip.Writer)
	defer compressors.Put(z)
	var out bytes.Buffer
	out.Grow(len(text) / 4)
	z.Reset(&out)
	_, _ = z.Write(text) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}
