package privacy_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// places hold what is looked through: by name, all that they hold. Whoever adds something that the program tells something to,
// such as a queue, metrics, traces or switches, adds it here.
func (w *world) places(ctx context.Context) map[string][]byte {
	w.t.Helper()
	found := map[string][]byte{"what processes said": w.said.bytes(), "failures, headers and links of answers": w.answers.bytes()}
	w.file(found, "PostgreSQL's log", w.rig.Log())
	w.file(found, "the file of anchors", w.rig.Anchors())
	w.folder(found, "the folder of keys", w.rig.Keys)
	w.database(ctx, found)
	w.folder(found, "PostgreSQL's files", filepath.Join(filepath.Dir(w.rig.Log()), "data")) // with what was replaced, indexes, statistics, the write-ahead log
	w.inRedis(ctx, found)
	for _, page := range []string{"/health", "/health/ready", "/health/database", "/health/redis", "/metrics", "/debug/vars", "/debug/pprof/cmdline"} {
		w.page(ctx, found, w.server.URL+page)
	}
	for _, address := range w.figures {
		for _, page := range []string{"/metrics", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1", "/debug/pprof/allocs?debug=1"} {
			if w.page(ctx, found, address+page); !bytes.Contains(found["the page "+address+page], []byte("mediconnect")) {
				w.t.Errorf("%s tells nothing: figures aren't where they are looked for", address+page)
			}
		}
	}
	return found
}

func (w *world) file(found map[string][]byte, name, path string) {
	w.t.Helper()
	text, err := os.ReadFile(path)
	w.must(err)
	if len(text) == 0 {
		w.t.Errorf("%s is empty: it isn't where it is looked for", name)
	}
	found[name] = text
}

func (w *world) folder(found map[string][]byte, name, path string) {
	w.t.Helper()
	count := 0
	w.must(filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // gone meanwhile: the server tidies up
		}
		if text, err := os.ReadFile(path); err == nil {
			found[name+", "+entry.Name()+" of "+filepath.Base(filepath.Dir(path))] = text
			count++
		}
		return nil
	}))
	if count == 0 {
		w.t.Errorf("%s has no file: it isn't where it is looked for", name)
	}
}

const listTables = `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') OR c.oid IN ('pg_largeobject'::regclass, 'pg_statistic'::regclass, 'pg_description'::regclass)`

// database copies out every table, sequence and large object, as a dump does, with the planner's statistics.
func (w *world) database(ctx context.Context, found map[string][]byte) {
	w.t.Helper()
	rows, err := w.pool.Query(ctx, listTables)
	w.must(err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	w.must(err)
	conn, err := w.pool.Acquire(ctx)
	w.must(err)
	defer conn.Release()
	for _, table := range tables {
		var text bytes.Buffer
		_, err := conn.Conn().PgConn().CopyTo(ctx, &text, "COPY (SELECT * FROM "+table+") TO STDOUT")
		w.must(err)
		found["the table "+table] = text.Bytes()
	}
	if len(found["the table public.patients"]) == 0 {
		w.t.Errorf("a dump of the database has no patients: %v", tables)
	}
}

// inRedis lists all keys with what they hold, and every command that was sent.
func (w *world) inRedis(ctx context.Context, found map[string][]byte) {
	w.t.Helper()
	var text bytes.Buffer
	keys := w.asked.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		dump, _ := w.asked.Dump(ctx, keys.Val()).Result() // it may have ended meanwhile
		fmt.Fprintf(&text, "%s %s\n", keys.Val(), dump)
	}
	w.must(keys.Err())
	found["Redis's keys and values"] = text.Bytes()
	commands, err := w.asked.SlowLogGet(ctx, -1).Result()
	w.must(err)
	var said bytes.Buffer
	for _, c := range commands {
		fmt.Fprintf(&said, "%s %q\n", c.Args, c.ClientName)
	}
	if len(commands) == 0 {
		w.t.Error("Redis was asked nothing: its commands aren't where they are looked for")
	}
	found["commands to Redis"] = said.Bytes()
}

func (w *world) page(ctx context.Context, found map[string][]byte, address string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	w.must(err)
	response, err := w.http.Do(request)
	w.must(err)
	defer response.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(response.Body)
	w.must(err)
	found["the page "+address] = text.Bytes()
}
