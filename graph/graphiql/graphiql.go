// Package graphiql belongs to the door: a page to try the API in, whole in the binary.
package graphiql

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
)

//go:embed assets/*.html assets/*.js assets/*.css
var assets embed.FS

// The page runs its own scripts and talks to its own server only. GraphiQL sets styles on elements as it draws.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var kinds = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
}

type file struct {
	body []byte
	kind string
	tag  string
}

// Handler serves the page under /graphiql.
func Handler() http.Handler {
	files := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("file")
		if name == "" {
			name = "index.html"
		}
		f, ok := files[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		head := w.Header()
		head.Set("Content-Type", f.kind)
		head.Set("Content-Security-Policy", policy)
		head.Set("Cache-Control", "no-cache") // ask each time, by the tag
		head.Set("ETag", f.tag)
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("X-Content-Type-Options", "nosniff")
		if r.Header.Get("If-None-Match") == f.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(f.body) // nobody is left to tell
	})
}

func load() map[string]file {
	files := map[string]file{}
	names, err := fs.Glob(assets, "assets/*")
	for _, name := range names {
		var body []byte
		if body, err = assets.ReadFile(name); err != nil {
			break
		}
		sum := sha256.Sum256(body)
		files[path.Base(name)] = file{body: body, kind: kinds[path.Ext(name)], tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	if err != nil {
		panic(err) // they are in the binary
	}
	return files
}
